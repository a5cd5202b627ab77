// Signed notes, checkpoints and cosignatures (C2SP signed-note, tlog-checkpoint, tlog-cosignature).

import { fromBase64, hex, joined, sha256, text, utf8 } from './bytes.js'
import { verifies } from './ed25519.js'
import { Fault, demand } from './fault.js'
import { pointOf, sm2Verifies } from './sm2.js'

export const LOG_KEY = 1
export const WITNESS_KEY = 4
export const TWIN_KEY = 0xff
const SM2 = joined(Uint8Array.of(TWIN_KEY), utf8('lantai.example/note/sm2-sm3/v1'))
const LATEST = 2n ** 63n - 1n

const isName = name => /^[^\s+]+$/u.test(name) && !/\p{C}|\p{Z}/u.test(name)
const keyId = async (name, material) => hex((await sha256(joined(utf8(`${name}\n`), material))).subarray(0, 4))

/** Read a public key, name+hash+key. */
export async function key(spelling) {
  const found = /^([^+\s]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/=]+)$/u.exec(spelling)
  demand(found, `不是公钥的写法（名称+摘要+公钥）：${spelling.slice(0, 60)}`)
  const [, name, id, encoded] = found
  const material = fromBase64(encoded)
  demand(material, `公钥 ${name} 不是规范的 base64`)
  demand((await keyId(name, material)) === id, `公钥 ${name} 与它的摘要不相符，可能抄错`)
  const twin = SM2.every((octet, place) => material[place] === octet)
  const point = material.subarray(twin ? SM2.length : 1)
  demand(!twin || pointOf(point), `公钥 ${name} 不是 SM2 曲线上的点`)
  return { name, id, type: material[0], twin, public: point }
}

/** Text and signature lines of a note; nothing is believed yet. */
export function note(bytes) {
  demand(bytes.length <= 1_000_000, '签名文本过长')
  let whole
  try {
    whole = text(bytes)
  } catch {
    throw new Fault('不是 UTF-8 文本')
  }
  demand(!/[\x00-\x09\x0b-\x1f]/.test(whole), '有控制字符')
  const gap = whole.lastIndexOf('\n\n')
  demand(gap >= 0 && whole.endsWith('\n') && gap + 2 < whole.length, '没有正文、空行和签名行')
  const lines = whole.slice(gap + 2, -1).split('\n')
  demand(lines.length <= 64, '签名多于 64 个')
  return { text: whole.slice(0, gap + 1), lines: lines.map(line) }
}

function line(written) {
  demand(written.startsWith('— '), '签名行没有以长横线开头')
  const [name, encoded, ...more] = written.slice(2).split(' ')
  demand(isName(name) && encoded !== undefined && !more.length, '签名行的写法不对')
  const value = fromBase64(encoded)
  demand(value && value.length > 4, `${name} 的签名行不是规范的 base64`)
  return { name, id: hex(value.subarray(0, 4)), value: value.subarray(4) }
}

export const linesOf = (signed, known) => signed.lines.filter(each => each.name === known.name && each.id === known.id)

/** Origin, size and root: three lines, no more. */
export function checkpoint(written) {
  const lines = written.split('\n')
  demand(lines.length === 4 && lines[3] === '', '检查点不是三行：日志名称、条数、树根')
  const [origin, size, encoded] = lines
  demand(origin, '检查点没有日志名称')
  demand(/^(?:0|[1-9][0-9]{0,18})$/.test(size) && BigInt(size) <= LATEST, '检查点的条数不是数')
  const root = fromBase64(encoded)
  demand(root && root.length === 32, '检查点的树根不是 32 字节')
  return { origin, size: BigInt(size), root }
}

/** Whether the log's signature fits; throws a Fault if it does not. */
export async function checkLog(known, signed, value) {
  const message = utf8(signed.text)
  const fits = known.twin ? sm2Verifies(known.public, value, message) : await verifies(known.public, value, message)
  demand(fits, `${known.name} 的签名与检查点不符`)
}

/** The seconds at which a witness says it saw the checkpoint; throws a Fault if the word is false. */
export async function cosigned(known, signed, value) {
  demand(value.length === 72, `${known.name} 的见证签名长度不对`)
  const time = new DataView(value.buffer, value.byteOffset, 8).getBigUint64(0)
  demand(time <= LATEST, `${known.name} 的见证时间不可能`)
  const message = utf8(`cosignature/v1\ntime ${time}\n${signed.text}`)
  demand(await verifies(known.public, value.subarray(8), message), `${known.name} 的见证签名与检查点不符`)
  return time
}
