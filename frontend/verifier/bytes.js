// Bytes and their spellings. Every spelling has one form only, so that no bit can change unseen.

export const utf8 = text => new TextEncoder().encode(text)

/** Text of UTF-8 bytes, a byte order mark kept; throws on anything else. */
export const text = bytes => new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)

export const hex = bytes => Array.from(bytes, octet => octet.toString(16).padStart(2, '0')).join('')

export const fromHex = digits => Uint8Array.from(digits.match(/../g) ?? [], pair => parseInt(pair, 16))

export function joined(...parts) {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}

/** Negative, zero or positive, octet by octet: for UTF-8 this is the order of code points. */
export function compare(one, other) {
  const shorter = Math.min(one.length, other.length)
  for (let at = 0; at < shorter; at++) if (one[at] !== other[at]) return one[at] - other[at]
  return one.length - other.length
}

export const same = (one, other) => one.length === other.length && compare(one, other) === 0

export const inOrder = names => [...names].sort((one, other) => compare(utf8(one), utf8(other)))

/** The bytes of canonical base64, or null. */
export function fromBase64(spelling) {
  if (!/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(spelling)) return null
  const read = atob(spelling)
  return btoa(read) === spelling ? Uint8Array.from(read, mark => mark.charCodeAt(0)) : null
}

export const sha256 = async bytes => new Uint8Array(await crypto.subtle.digest('SHA-256', bytes))

export const uint64 = number => {
  const bytes = new Uint8Array(8)
  new DataView(bytes.buffer).setBigUint64(0, number)
  return bytes
}
