// Canonical JSON (RFC 8785), and only what every program writes alike: text, whole numbers within
// ±(2^53 − 1), true, false, null, lists, objects.

import { same, text, utf8 } from './bytes.js'
import { demand } from './fault.js'

const LONE = /[\uD800-\uDBFF](?![\uDC00-\uDFFF])|(?<![\uD800-\uDBFF])[\uDC00-\uDFFF]/

export const isObject = value => value !== null && typeof value === 'object' && !Array.isArray(value)

function quoted(value) {
  demand(!LONE.test(value), '有不成文字的字符')
  return JSON.stringify(value)
}

/** The one form of a value; throws a Fault for what has none. */
export function written(value) {
  if (value === null || typeof value === 'boolean') return String(value)
  if (typeof value === 'string') return quoted(value)
  if (typeof value === 'number') {
    demand(Number.isSafeInteger(value), '有不是整数的数')
    return String(value)
  }
  if (Array.isArray(value)) return `[${value.map(written).join(',')}]`
  // RFC 8785 orders keys by UTF-16 code units, which is how JavaScript compares text.
  const keys = Object.keys(value).sort()
  return `{${keys.map(key => `${quoted(key)}:${written(value[key])}`).join(',')}}`
}

/** Read bytes that are canonical JSON; throws a Fault for all others. */
export function read(bytes) {
  let value
  let form
  try {
    value = JSON.parse(text(bytes))
    form = written(value)
  } catch {
    form = null
  }
  demand(form !== null && same(utf8(form), bytes), '不是规范的 JSON（RFC 8785）')
  return value
}
