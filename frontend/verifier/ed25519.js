// Ed25519 verification (RFC 8032): the browser's own where it has one, else plain arithmetic.
// Chromium has it since 137 and Firefox since 129; offices still run older ones.

import { joined, same } from './bytes.js'

const P = 2n ** 255n - 19n
const L = 2n ** 252n + 27742317777372353535851937790883648493n
const mod = number => ((number % P) + P) % P

function power(base, exponent) {
  let result = 1n
  for (let square = mod(base); exponent > 0n; exponent >>= 1n, square = (square * square) % P) {
    if (exponent & 1n) result = (result * square) % P
  }
  return result
}

const inverse = number => power(number, P - 2n)
const D = mod(-121665n * inverse(121666n))
const ROOT_OF_MINUS_ONE = power(2n, (P - 1n) / 4n)
const little = bytes => bytes.reduceRight((number, octet) => (number << 8n) | BigInt(octet), 0n)

function packed(y, sign) {
  let number = mod(y) | (sign << 255n)
  return Uint8Array.from({ length: 32 }, () => {
    const octet = Number(number & 255n)
    number >>= 8n
    return octet
  })
}

const BASE = unpacked(packed(4n * inverse(5n), 0n))

/** The point that 32 bytes name, as extended coordinates; null if they name none. */
function unpacked(bytes) {
  const number = little(bytes)
  const y = number & (2n ** 255n - 1n)
  const sign = number >> 255n
  if (y >= P) return null
  const u = mod(y * y - 1n)
  const v = mod(D * y * y + 1n)
  let x = mod(u * v ** 3n * power(u * v ** 7n, (P - 5n) / 8n))
  if (mod(v * x * x - u) !== 0n) x = mod(x * ROOT_OF_MINUS_ONE)
  if (mod(v * x * x - u) !== 0n || (x === 0n && sign === 1n)) return null
  if ((x & 1n) !== sign) x = P - x
  return [x, y, 1n, mod(x * y)]
}

function plus([x1, y1, z1, t1], [x2, y2, z2, t2]) {
  const a = mod((y1 - x1) * (y2 - x2))
  const b = mod((y1 + x1) * (y2 + x2))
  const c = mod(2n * t1 * t2 * D)
  const d = mod(2n * z1 * z2)
  return [mod((b - a) * (d - c)), mod((d + c) * (b + a)), mod((d - c) * (d + c)), mod((b - a) * (b + a))]
}

function times(scalar, point) {
  let sum = [0n, 1n, 1n, 0n]
  for (let step = point; scalar > 0n; scalar >>= 1n, step = plus(step, step)) {
    if (scalar & 1n) sum = plus(sum, step)
  }
  return sum
}

/** [S]B = R + [k]A, compared as the bytes of R. */
export async function plainly(key, signature, message) {
  const point = unpacked(key)
  const s = little(signature.subarray(32))
  if (point === null || s >= L) return false
  const digest = await crypto.subtle.digest('SHA-512', joined(signature.subarray(0, 32), key, message))
  const k = little(new Uint8Array(digest)) % L
  const [x, y, z, t] = point
  const [rx, ry, rz] = plus(times(s, BASE), times(k, [mod(-x), y, z, mod(-t)]))
  const back = inverse(rz)
  return same(packed(ry * back, mod(rx * back) & 1n), signature.subarray(0, 32))
}

/** Tell whether the signature (64 bytes) of a key (32 bytes) fits the message. */
export async function verifies(key, signature, message) {
  if (key.length !== 32 || signature.length !== 64) return false
  let imported
  try {
    imported = await crypto.subtle.importKey('raw', key, { name: 'Ed25519' }, false, ['verify'])
  } catch {
    return plainly(key, signature, message)
  }
  return crypto.subtle.verify({ name: 'Ed25519' }, imported, signature, message)
}
