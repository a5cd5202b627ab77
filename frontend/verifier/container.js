// The container: a zip of one form. Read from the front, every byte is accounted for; nothing is
// skipped, guessed or searched for.

import { compare, same, text, utf8 } from './bytes.js'
import { Fault, demand } from './fault.js'

const CRC = Uint32Array.from({ length: 256 }, (_, number) => {
  for (let bit = 0; bit < 8; bit++) number = number & 1 ? (number >>> 1) ^ 0xedb88320 : number >>> 1
  return number
})

function crc32(bytes) {
  let held = 0xffffffff
  for (let at = 0; at < bytes.length; at++) held = (held >>> 8) ^ CRC[(held ^ bytes[at]) & 255]
  return (held ^ 0xffffffff) >>> 0
}

const LOCAL = 0x04034b50
const CENTRAL = 0x02014b50
const END = 0x06054b50
const REPACKED = '证据包被重新打包过：容器与格式规定的唯一写法不符'

function named(bytes) {
  try {
    return text(bytes)
  } catch {
    throw new Fault('证据包中有名称无法识别的成员')
  }
}

class Reader {
  constructor(bytes) {
    this.bytes = bytes
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
    this.at = 0
  }

  /** Numbers of 2 or 4 bytes, one after the other. */
  take(...sizes) {
    demand(this.at + sizes.reduce((sum, size) => sum + size, 0) <= this.bytes.length, '文件被截断')
    return sizes.map(size => {
      const number = size === 2 ? this.view.getUint16(this.at, true) : this.view.getUint32(this.at, true)
      this.at += size
      return number
    })
  }

  slice(length, what) {
    demand(this.at + length <= this.bytes.length, `${what}不完整：文件被截断`)
    this.at += length
    return this.bytes.subarray(this.at - length, this.at)
  }

  /** Whether the next record begins with a mark. */
  sees(mark) {
    return this.at + 4 <= this.bytes.length && this.view.getUint32(this.at, true) === mark
  }
}

const expected = (said, ...wanted) => demand(said.every((number, place) => number === wanted[place]), REPACKED)

/** The members by name. Throws a Fault unless the bytes are a container of the one form. */
export function unpacked(bytes) {
  demand(bytes.length >= 22, '不是证据包：文件太短')
  const members = new Map()
  const places = []
  const reader = new Reader(bytes)
  demand(reader.sees(LOCAL), '不是证据包：文件开头不是成员')
  while (reader.sees(LOCAL)) {
    const place = reader.at
    const [, version, flags, method, hour, day, crc, size, whole, label, extra] = reader.take(4, 2, 2, 2, 2, 2, 4, 4, 4, 2, 2)
    const raw = reader.slice(label, '成员名称')
    const name = named(raw)
    demand(method === 0 && size === whole, `成员 ${name} 是压缩过的：证据包不压缩，请索取原件`)
    expected([version, flags, hour, day, extra], 20, 0x0800, 0, 0x0021, 0)
    const content = reader.slice(size, `成员 ${name} `)
    demand(crc32(content) === crc, `成员 ${name} 的内容已损坏（校验码不符）`)
    demand(!members.has(name), `成员 ${name} 出现两次`)
    const before = places.at(-1)
    demand(!before || compare(before.raw, raw) < 0, REPACKED)
    members.set(name, content)
    places.push({ name, raw, crc, size, place })
  }

  const start = reader.at
  for (const known of places) {
    demand(reader.sees(CENTRAL), `证据包的目录不完整：没有成员 ${known.name}`)
    const [, madeBy, version, flags, method, hour, day, crc, size, whole, label, extra, comment, disk, inner, outer, place] =
      reader.take(4, 2, 2, 2, 2, 2, 2, 4, 4, 4, 2, 2, 2, 2, 2, 4, 4)
    const raw = reader.slice(label, '目录')
    demand(same(raw, known.raw), `成员 ${known.name} 与目录中的名称不一致`)
    demand(place === known.place, `成员 ${known.name} 不在目录所指的位置`)
    demand(crc === known.crc && size === known.size && whole === known.size, `成员 ${known.name} 与目录所记的长度或校验码不符`)
    expected([madeBy, version, flags, method, hour, day], 0x0314, 20, 0x0800, 0, 0, 0x0021)
    expected([extra, comment, disk, inner, outer], 0, 0, 0, 0, (0o100644 << 16) >>> 0)
  }

  const length = reader.at - start
  demand(reader.sees(END), '证据包的目录之后不是结尾：有多余、缺失或改动的内容')
  const [, disk, from, here, count, said, place, comment] = reader.take(4, 2, 2, 2, 2, 4, 4, 2)
  expected([disk, from, here, count, said, place, comment], 0, 0, places.length, places.length, length, start, 0)
  demand(reader.at === bytes.length, '文件末尾不是证据包的结尾：文件被追加过')
  return members
}

/** Tell whether a name may stand under files/: a plain relative path that leads nowhere else. */
export function isPlain(name) {
  const step = String.raw`[\p{L}\p{N}_][\p{L}\p{N}_.@() \-]{0,120}`
  return new RegExp(`^${step}(?:/${step}){0,4}$`, 'u').test(name) && name === name.normalize('NFC') && utf8(name).length > 0
}
