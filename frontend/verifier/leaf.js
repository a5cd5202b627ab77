// An entry of the log: codes and salted commitments, and what is opened of them.

import { fromHex, hex, joined, sha256, utf8 } from './bytes.js'
import { isObject, read, written } from './canonical.js'
import { demand } from './fault.js'
import { sm3 } from './sm3.js'

export const FIELDS = ['actor', 'body', 'obj']
const PREFIX = utf8('lantai/commit/v1\0')
const DIGEST = /^[0-9a-f]{64}$/

const hasExactly = (value, ...keys) =>
  isObject(value) && Object.keys(value).length === keys.length && keys.every(key => Object.hasOwn(value, key))

/** The fields of a leaf; throws a Fault unless it is exactly of this format. */
export function leaf(bytes) {
  demand(bytes.length <= 16_384, '条目过长')
  const said = read(bytes)
  demand(hasExactly(said, 'v', 'type', 'org', 't', ...FIELDS), '条目的字段与格式不符')
  demand(said.v === 1, '条目的版本不是 1')
  demand(typeof said.t === 'number' && said.t >= 0, '条目的时间不是秒数')
  demand(typeof said.type === 'string' && /^[a-z]+\.[a-z][a-z_-]*\.[a-z][a-z_-]*$/.test(said.type), '条目的类型不是代码')
  demand(typeof said.org === 'string' && /^[A-Za-z0-9._-]{1,40}$/.test(said.org), '条目的单位不是代码')
  for (const field of FIELDS) {
    const given = said[field]
    const whole = hasExactly(given, 'sha256', 'sm3') && Object.values(given).every(each => typeof each === 'string' && DIGEST.test(each))
    demand(whole, `条目的 ${field} 不是承诺`)
  }
  return said
}

/** Throws a Fault unless an opening is what a field of a leaf commits to, under both hashes. */
export async function checkOpening(said, field, opening) {
  demand(FIELDS.includes(field), `条目没有 ${field} 这个字段`)
  demand(hasExactly(opening, 'salt', 'content'), `${field} 不是公开内容的格式`)
  demand(typeof opening.salt === 'string' && DIGEST.test(opening.salt), `${field} 的盐值不是 32 字节`)
  const bytes = joined(PREFIX, fromHex(opening.salt), utf8(written(opening.content)))
  demand(hex(await sha256(bytes)) === said[field].sha256, `公开的 ${field} 与条目所载的 SHA-256 承诺不符`)
  demand(hex(sm3(bytes)) === said[field].sm3, `公开的 ${field} 与条目所载的 SM3 承诺不符`)
}

/** Every digest that facts name: 64 hexadecimal digits under a key with sha256 in it. */
export function* digestsIn(facts, named = false) {
  if (typeof facts === 'string') {
    if (named && DIGEST.test(facts)) yield facts
  } else if (Array.isArray(facts)) {
    for (const held of facts) yield* digestsIn(held, named)
  } else if (isObject(facts)) {
    for (const [key, held] of Object.entries(facts)) yield* digestsIn(held, named || key.includes('sha256'))
  }
}
