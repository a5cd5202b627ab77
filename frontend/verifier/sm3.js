// SM3 (GB/T 32905-2016), from the standard's text.

const turn = (word, places) => (word << (places & 31)) | (word >>> (32 - (places & 31)))
const p0 = word => word ^ turn(word, 9) ^ turn(word, 17)
const p1 = word => word ^ turn(word, 15) ^ turn(word, 23)
const START = [0x7380166f, 0x4914b2b9, 0x172442d7, 0xda8a0600, 0xa96f30bc, 0x163138aa, 0xe38dee4d, 0xb0fb0e4e]
const T = Int32Array.from({ length: 64 }, (_, round) => turn(round < 16 ? 0x79cc4519 : 0x7a879d8a, round))

function compress(state, view, at, w) {
  for (let j = 0; j < 16; j++) w[j] = view.getInt32(at + 4 * j)
  for (let j = 16; j < 68; j++) {
    w[j] = p1(w[j - 16] ^ w[j - 9] ^ turn(w[j - 3], 15)) ^ turn(w[j - 13], 7) ^ w[j - 6]
  }
  let [a, b, c, d, e, f, g, h] = state
  for (let j = 0; j < 64; j++) {
    const ss1 = turn((turn(a, 12) + e + T[j]) | 0, 7)
    const ss2 = ss1 ^ turn(a, 12)
    const ff = j < 16 ? a ^ b ^ c : (a & b) | (a & c) | (b & c)
    const gg = j < 16 ? e ^ f ^ g : (e & f) | (~e & g)
    const tt1 = (ff + d + ss2 + (w[j] ^ w[j + 4])) | 0
    const tt2 = (gg + h + ss1 + w[j]) | 0
    d = c
    c = turn(b, 9)
    b = a
    a = tt1
    h = g
    g = turn(f, 19)
    f = e
    e = p0(tt2)
  }
  const next = [a, b, c, d, e, f, g, h]
  for (let j = 0; j < 8; j++) state[j] ^= next[j]
}

/** The 32 bytes of the digest. */
export function sm3(bytes) {
  const state = Int32Array.from(START)
  const w = new Int32Array(68)
  const whole = bytes.length - (bytes.length % 64)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  for (let at = 0; at < whole; at += 64) compress(state, view, at, w)

  const rest = bytes.subarray(whole)
  const tail = new Uint8Array(rest.length < 56 ? 64 : 128)
  tail.set(rest)
  tail[rest.length] = 0x80
  const end = new DataView(tail.buffer)
  end.setBigUint64(tail.length - 8, BigInt(bytes.length) * 8n)
  for (let at = 0; at < tail.length; at += 64) compress(state, end, at, w)

  const digest = new DataView(new ArrayBuffer(32))
  state.forEach((word, place) => digest.setInt32(4 * place, word))
  return new Uint8Array(digest.buffer)
}
