// SM2 verification (GB/T 32918.2-2016, curve of GB/T 32918.5-2017), in plain arithmetic.

import { joined, utf8 } from './bytes.js'
import { sm3 } from './sm3.js'

const P = 0xfffffffeffffffffffffffffffffffffffffffff00000000ffffffffffffffffn
const A = P - 3n
const B = 0x28e9fa9e9d9f5e344d5a9e4bcf6509a7f39789f515ab8f92ddbcbd414d940e93n
const N = 0xfffffffeffffffffffffffffffffffff7203df6b21c6052b53bbf40939d54123n
const G = [
  0x32c4ae2c1f1981195f9904466a39c9948fe30bbff2660be1715a4589334c74c7n,
  0xbc3736a2f4f6779c59bdcee36b692153d0a9877cc62a474002df32e52139f0a0n,
]
const IDENTITY = utf8('1234567812345678')

const mod = (number, by = P) => ((number % by) + by) % by
const number = bytes => bytes.reduce((sum, octet) => (sum << 8n) | BigInt(octet), 0n)
const bytes32 = value => Uint8Array.from({ length: 32 }, (_, place) => Number((value >> BigInt(8 * (31 - place))) & 255n))

function inverse(value) {
  let [older, newer, before, now] = [P, mod(value), 0n, 1n]
  while (newer) {
    const times = older / newer
    ;[older, newer, before, now] = [newer, older - times * newer, now, before - times * now]
  }
  return mod(before)
}

/** The sum of two points; null is the point at infinity. */
function plus(one, other) {
  if (!one) return other
  if (!other) return one
  const [x1, y1] = one
  const [x2, y2] = other
  if (x1 === x2 && mod(y1 + y2) === 0n) return null
  const slope = x1 === x2 ? mod((3n * x1 * x1 + A) * inverse(2n * y1)) : mod((y2 - y1) * inverse(x2 - x1))
  const x = mod(slope * slope - x1 - x2)
  return [x, mod(slope * (x1 - x) - y1)]
}

function times(scalar, point) {
  let sum = null
  for (let step = point; scalar > 0n; scalar >>= 1n, step = plus(step, step)) if (scalar & 1n) sum = plus(sum, step)
  return sum
}

/** The point of 04 ‖ x ‖ y; null if the bytes name none of the curve. */
export function pointOf(bytes) {
  if (bytes.length !== 65 || bytes[0] !== 4) return null
  const [x, y] = [number(bytes.subarray(1, 33)), number(bytes.subarray(33))]
  return x < P && y < P && mod(y * y - (x * x * x + A * x + B)) === 0n ? [x, y] : null
}

/** Tell whether r ‖ s (64 bytes) of a public point (65 bytes) fits the message. */
export function sm2Verifies(publicBytes, signature, message) {
  const point = pointOf(publicBytes)
  if (!point || signature.length !== 64) return false
  const [r, s] = [number(signature.subarray(0, 32)), number(signature.subarray(32))]
  if (r < 1n || r >= N || s < 1n || s >= N) return false
  const t = mod(r + s, N)
  if (t === 0n) return false
  const who = sm3(joined(Uint8Array.of(0, 8 * IDENTITY.length), IDENTITY, ...[A, B, ...G, ...point].map(bytes32)))
  const e = number(sm3(joined(who, message)))
  const reached = plus(times(s, G), times(t, point))
  return reached !== null && mod(e + reached[0], N) === r
}
