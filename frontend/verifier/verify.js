// The examination of a bundle, written apart from the program that made it. Nothing is sent anywhere.
//
// 1 container · 2 manifest · 3 head and signatures · 4 entries · 5 statement and files.
// Trust comes from the person: keys of logs, a policy of witnesses; never from the bundle.

import { fromHex, hex, inOrder, same, sha256, utf8 } from './bytes.js'
import { isObject, read, written } from './canonical.js'
import { isPlain, unpacked } from './container.js'
import { Fault, NotInLog, demand } from './fault.js'
import { FIELDS, checkOpening, digestsIn, leaf } from './leaf.js'
import { LOG_KEY, WITNESS_KEY, checkLog, checkpoint, cosigned, key, linesOf, note } from './note.js'
import { policy, suffices } from './policy.js'
import { checkInclusion, proof } from './proof.js'
import { sm3 } from './sm3.js'

// The fixed text of each version, by its SHA-256.
const READMES = {
  'lantai-bundle/v1': '076fe433718b0f716c966c18f1e9de0dc119fac5dffb239eb4ad9c951b026ba1',
  'lantai-bundle/v2': '21079bd40adb70529427b2c6eaeb4d8133e1e024713ed9fc6369d2a2e114d824',
}
// The log and its twin: the same entries under other hashes and signatures.
const INTL = { label: '', suffix: '', checkpoint: 'checkpoint', proofs: 'proofs', hash: sha256, twin: false }
const SM = { label: '国密', suffix: '/sm', checkpoint: 'checkpoint-sm', proofs: 'proofs-sm', hash: async bytes => sm3(bytes), twin: true }
const FIXED = ['README.txt', 'manifest.json', 'statement.json', 'checkpoint', 'checkpoint-sm']
const ENTRY = /^entries\/([0-9]{12,19})\.json$/
const PROOF = /^(proofs|proofs-sm)\/([0-9]{12,19})\.tlog-proof$/
const ANCHOR = /^anchors\/[a-z0-9][a-z0-9.-]{0,39}\.tsr$/
const FIELD_LABELS = { actor: '行为人', body: '时间与内容', obj: '对象' }
const LAST_SECOND = 253402300799n // of the year 9999

/** A moment as text; a number beyond the calendar as itself. */
export function utc(seconds) {
  if (BigInt(seconds) > LAST_SECOND) return `${seconds} s`
  return `${new Date(Number(seconds) * 1000).toISOString().slice(0, 19).replace('T', ' ')} UTC`
}

const shown = head => (head ? { origin: head.origin, size: String(head.size), root: hex(head.root) } : null)

/** Trust as the person gives it: one key a line, and the text of a policy or nothing. Throws a Fault. */
export async function trustFrom({ keys = [], policyText = null }) {
  return {
    keys: await Promise.all(keys.map(each => key(each.trim()))),
    policy: policyText === null ? null : await policy(policyText),
  }
}

/** The report: verdict, what is proven, what is not, faults; and what may be shown of the content. */
export async function verify(bytes, trust, onStep = () => {}) {
  const examination = new Examination(trust, onStep)
  await examination.of(bytes)
  return examination.report()
}

class Examination {
  constructor(trust, onStep) {
    this.keys = trust.keys
    this.policy = trust.policy
    this.onStep = onStep
    this.members = new Map()
    this.proven = []
    this.notProven = []
    this.faults = []
    this.heads = new Map()
    this.leaves = new Map()
    this.witnesses = []
    this.signed = false
    this.named = new Map()
    this.entries = []
    this.statement = null
  }

  async of(bytes) {
    try {
      this.members = unpacked(bytes)
    } catch (wrong) {
      this.note(wrong)
    }
    if (this.members.size) {
      await this.manifest()
      await this.allHeads()
      await this.allEntries()
      await this.statementAndFiles()
    }
    this.notProven.push('纸质原件本身的真伪、所载内容是否属实，不在本证明之内')
  }

  report() {
    const valid = this.faults.length === 0
    return {
      valid,
      signed: valid && this.signed,
      proven: valid ? this.proven : [],
      notProven: this.notProven,
      faults: this.faults,
      head: shown(this.heads.get(INTL)),
      twin: shown(this.heads.get(SM)),
      witnesses: this.witnesses,
      entries: this.entries,
      statement: this.statement,
      files: inOrder(this.members.keys()).filter(name => name.startsWith('files/')).map(name => ({ name, content: this.members.get(name) })),
    }
  }

  /** Write a fault down; whatever is not a Fault is a mistake of this program and is not hidden. */
  note(wrong, thing = '') {
    if (!(wrong instanceof Fault)) throw wrong
    this.faults.push(thing ? `${thing}：${wrong.message}` : wrong.message)
  }

  json(name) {
    if (!this.members.has(name)) {
      this.faults.push(`缺少 ${name}`)
      return undefined
    }
    try {
      return read(this.members.get(name))
    } catch (wrong) {
      this.note(wrong, name)
      return undefined
    }
  }

  async manifest() {
    const before = this.faults.length
    const said = this.json('manifest.json')
    const more = ['checkpoint-sm', 'proofs-sm/', 'anchors/']
    const newer = [...this.members.keys()].some(name => more.some(begin => name.startsWith(begin)))
    const format = `lantai-bundle/v${newer ? 2 : 1}`
    if (!isObject(said) || said.format !== format || !isObject(said.members) || Object.keys(said).length !== 2) {
      this.faults.push(`manifest.json 不是 ${format} 的清单`)
      return
    }
    const listed = new Map(Object.entries(said.members))
    const others = inOrder(this.members.keys()).filter(name => name !== 'manifest.json')
    for (const name of inOrder(listed.keys())) {
      if (!this.members.has(name) || name === 'manifest.json') this.faults.push(`缺少清单所列的成员 ${name}`)
    }
    for (const [place, name] of others.entries()) {
      await this.onStep(place + 1, others.length)
      if (!listed.has(name)) {
        this.faults.push(`成员 ${name} 不在清单之中`)
        continue
      }
      const content = this.members.get(name)
      const wanted = { bytes: content.length, sha256: hex(await sha256(content)), sm3: hex(sm3(content)) }
      if (written(listed.get(name)) !== written(wanted)) this.faults.push(`成员 ${name} 与清单所列的字节数或摘要不符`)
    }
    for (const name of others) {
      const belongs = FIXED.includes(name) || ENTRY.test(name) || PROOF.test(name) || ANCHOR.test(name)
      if (!belongs && !(name.startsWith('files/') && isPlain(name.slice(6)))) this.faults.push(`成员 ${name} 不属于证据包的格式`)
    }
    const readme = this.members.get('README.txt')
    if (!readme || !same(await sha256(readme), fromHex(READMES[format]))) this.faults.push('成员 README.txt 与本格式的说明不符')
    if (this.faults.length === before) this.proven.push(`${others.length} 个成员与清单逐字节一致（SHA-256 与 SM3）`)
  }

  async allHeads() {
    if (this.members.has(INTL.checkpoint)) {
      const signed = this.checkpoint(INTL)
      if (signed) {
        await this.logSignature(signed, INTL)
        await this.witnessSignatures(signed)
      }
    } else {
      this.faults.push('缺少 checkpoint')
    }
    await this.twin()
    if ([...this.members.keys()].some(name => ANCHOR.test(name)) && this.heads.has(INTL)) {
      this.notProven.push('时间戳未核对：本页不能核对 RFC 3161 时间戳，请用 lantai verify --roots')
    }
  }

  async twin() {
    if (!this.members.has(SM.checkpoint)) {
      if ([...this.members.keys()].some(name => PROOF.exec(name)?.[1] === SM.proofs)) this.faults.push('缺少 checkpoint-sm')
      else this.notProven.push('包内没有国密（SM3、SM2）证明：只按 SHA-256 核验')
      return
    }
    const signed = this.checkpoint(SM)
    if (!signed) return
    const [head, twin] = [this.heads.get(INTL), this.heads.get(SM)]
    if (head && (twin.origin !== head.origin + SM.suffix || twin.size !== head.size)) {
      this.faults.push('checkpoint-sm 与 checkpoint 不是同一日志的同一条数')
      return
    }
    await this.logSignature(signed, SM)
  }

  checkpoint(suite) {
    try {
      const signed = note(this.members.get(suite.checkpoint))
      this.heads.set(suite, checkpoint(signed.text))
      return signed
    } catch (wrong) {
      this.note(wrong, `${suite.checkpoint} 不是签名检查点`)
      return null
    }
  }

  async logSignature(signed, suite) {
    const { origin, size } = this.heads.get(suite)
    const known = [...this.keys, ...(this.policy?.logs ?? [])].filter(each => each.twin === suite.twin)
    if (!known.length) {
      this.notProven.push(`${suite.label}日志签名未核对：没有给出日志 ${origin} 的公钥，不能证明由谁签署`)
      return
    }
    let signatures = 0
    let beyond = 0
    for (const each of known.filter(one => one.name === origin)) {
      const lines = linesOf(signed, each)
      if (!lines.length) continue
      if (each.type === 6) {
        beyond++
        continue
      }
      try {
        demand(lines.length === 1, `${each.name} 的签名多于一个`)
        demand(each.twin || each.type === LOG_KEY, `${each.name} 的公钥不能核对日志签名`)
        await checkLog(each, signed, lines[0].value)
      } catch (wrong) {
        this.note(wrong, `${suite.checkpoint} 的日志签名无效`)
        return
      }
      signatures++
    }
    if (signatures) {
      this.signed = true
      this.proven.push(`${suite.label}日志 ${origin} 以给定的公钥签署了 ${size} 条时的状态`)
    } else if (beyond) {
      this.notProven.push(`日志 ${origin} 的签名是 ML-DSA，本页不能核对，请用 lantai verify 核对`)
    } else {
      this.faults.push(`${suite.checkpoint} 没有给定公钥的签名（日志 ${origin}）`)
    }
  }

  async witnessSignatures(signed) {
    if (!this.policy) {
      this.notProven.push('见证签名未核对：没有给出信任策略，时间只是日志自己的说法')
      return
    }
    const seen = []
    const beyond = []
    try {
      for (const known of this.policy.witnesses.values()) {
        for (const line of linesOf(signed, known)) {
          if (known.type !== WITNESS_KEY) {
            beyond.push(known)
            continue
          }
          const at = utc(await cosigned(known, signed, line.value))
          seen.push(known)
          this.witnesses.push({ name: known.name, at })
          this.proven.push(`${known.name} 于 ${at} 见证了这一状态`)
        }
      }
    } catch (wrong) {
      this.note(wrong, 'checkpoint 的见证签名无效')
      return
    }
    for (const known of beyond) this.notProven.push(`${known.name} 的见证签名是 ML-DSA，本页不能核对，请用 lantai verify 核对`)
    if (!suffices(this.policy, seen)) {
      if (suffices(this.policy, [...seen, ...beyond])) {
        this.notProven.push('见证是否达到法定数，要看本页不能核对的见证签名')
      } else {
        this.faults.push(`见证不足：${seen.length} 家见证，未达到信任策略的法定数`)
      }
    } else if (!seen.length && !beyond.length) {
      this.notProven.push('没有见证签名：时间只是日志自己的说法')
    }
  }

  async allEntries() {
    const entries = new Map([...this.members.keys()].filter(name => ENTRY.test(name)).map(name => [ENTRY.exec(name)[1], name]))
    const proofs = this.proofsOf(INTL)
    if (!entries.size) this.faults.push('证据包中没有日志条目')
    for (const place of inOrder(new Set([...entries.keys(), ...proofs.keys()]))) {
      const entry = entries.get(place)
      const path = proofs.get(place)
      if (entry && path) await this.entry(entry, path, BigInt(place))
      else this.faults.push(`${entry ?? path}：条目与证明不成对`)
    }
    if (this.heads.has(SM)) await this.twinProofs(entries)
  }

  proofsOf(suite) {
    const found = [...this.members.keys()].map(name => PROOF.exec(name)).filter(match => match?.[1] === suite.proofs)
    return new Map(found.map(([name, , place]) => [place, name]))
  }

  async twinProofs(entries) {
    const before = this.faults.length
    const proofs = this.proofsOf(SM)
    for (const place of inOrder(new Set([...entries.keys(), ...proofs.keys()]))) {
      if (!entries.has(place) || !proofs.has(place)) this.faults.push(`${entries.get(place) ?? proofs.get(place)}：条目与国密证明不成对`)
      else if (this.leaves.has(place)) await this.inLog(proofs.get(place), this.leaves.get(place), BigInt(place), SM)
    }
    if (this.faults.length > before) return
    this.proven.push(`${proofs.size} 个条目也都在国密日志 ${this.heads.get(SM).origin} 之中（SM3）`)
    this.notProven.push('说明和文件与条目之间只有 SHA-256 摘要相连：国密证明到条目及其公开内容为止')
  }

  async entry(name, proofName, index) {
    const said = this.json(name)
    let fields
    let raw
    try {
      demand(isObject(said) && Object.keys(said).sort().join() === 'index,leaf,openings', '不是条目的格式')
      demand(Number.isInteger(said.index) && BigInt(said.index) === index && name === `entries/${String(index).padStart(12, '0')}.json`, '序号与文件名不符')
      demand(typeof said.leaf === 'string' && isObject(said.openings), '不是条目的格式')
      raw = utf8(said.leaf)
      fields = leaf(raw)
    } catch (wrong) {
      this.note(wrong, `${name}：条目与日志所载不符`)
      return
    }
    this.leaves.set(String(index).padStart(12, '0'), raw)
    if (!(await this.inLog(proofName, raw, index, INTL))) return
    try {
      for (const [field, opening] of Object.entries(said.openings)) await checkOpening(fields, field, opening)
    } catch (wrong) {
      this.note(wrong, `${name}：条目与日志所载不符`)
      return
    }
    for (const field of FIELDS) {
      if (!Object.hasOwn(said.openings, field)) this.notProven.push(`第 ${index} 条的${FIELD_LABELS[field]}没有公开`)
    }
    const body = said.openings.body?.content
    const by = `第 ${index} 条（${fields.type}）`
    if (isObject(body)) for (const found of digestsIn(body.facts)) if (!this.named.has(found)) this.named.set(found, by)
    this.entries.push({ index: String(index), type: fields.type, at: utc(fields.t), content: Object.fromEntries(Object.entries(said.openings).map(([field, { content }]) => [field, content])) })
    this.proven.push(`第 ${index} 条（${fields.type}，${utc(fields.t)}）在日志之中，公开的内容未被改动`)
  }

  async inLog(name, raw, index, suite) {
    try {
      const path = proof(this.members.get(name))
      demand(path.index === index && name === `${suite.proofs}/${String(index).padStart(12, '0')}.tlog-proof`, '证明的是另一条')
      const own = this.members.get(suite.checkpoint)
      demand(own && same(utf8(path.checkpoint), own), `所依的检查点与 ${suite.checkpoint} 不同`)
      if (!this.heads.has(suite)) return false // said already
      await checkInclusion(path, raw, this.heads.get(suite), suite.hash)
      return true
    } catch (wrong) {
      this.note(wrong, wrong instanceof NotInLog ? `${name}：证明不成立，条目不在日志之中` : `${name}：不是合格的证明`)
      return false
    }
  }

  async statementAndFiles() {
    const statement = this.json('statement.json')
    let listed = {}
    if (!isObject(statement)) {
      this.faults.push('statement.json 不是说明的格式')
    } else {
      const by = this.named.get(hex(await sha256(this.members.get('statement.json'))))
      if (by) {
        this.statement = statement
        this.proven.push(`statement.json 与${by}所载摘要一致`)
        if (isObject(statement.files)) listed = statement.files
      } else {
        this.faults.push('没有条目载有 statement.json 的摘要：说明不可采信')
      }
    }
    for (const name of inOrder(Object.keys(listed))) {
      if (!this.members.has(`files/${name}`)) this.faults.push(`缺少 statement.json 所列的文件 files/${name}`)
    }
    for (const name of inOrder(this.members.keys())) {
      if (name.startsWith('files/')) await this.file(name, listed)
    }
  }

  async file(name, listed) {
    const digest = hex(await sha256(this.members.get(name)))
    const short = name.slice(6)
    const by = this.named.get(digest)
    const wanted = Object.hasOwn(listed, short) ? listed[short] : undefined
    if (wanted !== undefined && wanted !== digest) this.faults.push(`${name} 与 statement.json 所载摘要不符：不是同名的文件`)
    else if (by) this.proven.push(`${name} 与${by}所载摘要一致`)
    else if (wanted === digest) this.proven.push(`${name} 与 statement.json 所载摘要一致`)
    else this.faults.push(`没有条目载有 ${name} 的摘要：文件不可采信`)
  }
}
