// Trust policies (C2SP tlog-policy): which logs are believed, whose cosignatures are enough.

import { compare } from './bytes.js'
import { Fault, demand } from './fault.js'
import { key } from './note.js'

/** Read a policy; throws a Fault that names the line. */
export async function policy(written) {
  demand(!/[\x00-\x08\x0b-\x1f\x7f]/.test(written), '信任策略中有控制字符（换行只能是 LF）')
  demand(written === '' || written.endsWith('\n'), '信任策略的最后一行也要换行')
  const lines = written.split('\n')
  demand(lines.length <= 4096, '信任策略多于 4096 行')
  const trust = { logs: [], witnesses: new Map(), groups: new Map(), quorum: undefined }
  const used = new Set()
  for (const [place, line] of lines.entries()) {
    const words = line.split(/[ \t]+/).filter(Boolean)
    if (!words.length || words[0].startsWith('#')) continue
    try {
      await take(words, trust, used)
    } catch (wrong) {
      if (!(wrong instanceof Fault)) throw wrong
      throw new Fault(`信任策略第 ${place + 1} 行：${wrong.message}`)
    }
  }
  demand(trust.quorum !== undefined, '信任策略没有 quorum 一行')
  return trust
}

async function take([verb, ...words], trust, used) {
  if (verb === 'log' && (words.length === 1 || words.length === 2)) return takeLog(words[0], trust)
  if (verb === 'witness' && (words.length === 2 || words.length === 3)) return takeWitness(words, trust)
  if (verb === 'group' && words.length >= 3) return takeGroup(words, trust, used)
  if (verb === 'quorum' && words.length === 1) return takeQuorum(words[0], trust)
  throw new Fault(`不是信任策略的写法：${verb}`)
}

const isKnown = (name, trust) => trust.witnesses.has(name) || trust.groups.has(name)

function demandNew(name, trust) {
  demand(name !== 'none' && !isKnown(name, trust), `名称重复：${name}`)
}

const holds = (keys, found) => [...keys].some(known => compare(known.public, found.public) === 0)

async function takeLog(spelling, trust) {
  const found = await key(spelling)
  demand([1, 6].includes(found.type) || found.twin, `${found.name} 不是日志的公钥`)
  demand(!holds(trust.logs, found), `日志 ${found.name} 的公钥出现两次`)
  trust.logs.push(found)
}

async function takeWitness([name, spelling], trust) {
  demandNew(name, trust)
  const found = await key(spelling)
  demand([4, 6].includes(found.type), `${found.name} 不是见证单位的公钥`)
  demand(!holds(trust.witnesses.values(), found), `见证单位 ${name} 的公钥出现两次`)
  trust.witnesses.set(name, found)
}

function takeGroup([name, least, ...members], trust, used) {
  demandNew(name, trust)
  for (const member of members) {
    demand(isKnown(member, trust), `前面没有叫 ${member} 的见证单位或组`)
    demand(!used.has(member), `${member} 已经在一个组里`)
    used.add(member)
  }
  demand(['all', 'any'].includes(least) || /^[1-9][0-9]{0,4}$/.test(least), `不是成员数：${least}`)
  const count = least === 'all' ? members.length : least === 'any' ? 1 : Number(least)
  demand(count <= members.length, `${members.length} 个成员中不可能有 ${count} 个`)
  trust.groups.set(name, { count, members })
}

function takeQuorum(name, trust) {
  demand(trust.quorum === undefined, '信任策略只能有一行 quorum')
  demand(name === 'none' || isKnown(name, trust), `前面没有叫 ${name} 的见证单位或组`)
  trust.quorum = name
}

/** Tell whether cosignatures of these keys make the quorum. */
export function suffices(trust, cosigners) {
  if (trust.quorum === 'none') return true
  const said = new Map()
  for (const [name, known] of trust.witnesses) said.set(name, cosigners.includes(known))
  for (const [name, { count, members }] of trust.groups) {
    said.set(name, members.filter(member => said.get(member)).length >= count)
  }
  return said.get(trust.quorum)
}
