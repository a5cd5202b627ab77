// The page around the examination: what was chosen, what is believed, the answer in three lists.

import { hex, sha256 } from './bytes.js'
import { Fault } from './fault.js'
import { trustFrom, verify } from './verify.js'

/** The examination for programs: bytes of a bundle, keys, text of a policy or null. */
export async function examine(bytes, keys = [], policyText = null) {
  return verify(bytes, await trustFrom({ keys, policyText }))
}
globalThis.lantaiVerifier = { examine }

const at = id => document.getElementById(id)
const breath = () => new Promise(resolve => setTimeout(resolve))
let chosen = null

function made(tag, text, attributes = {}) {
  const node = document.createElement(tag)
  if (text) node.textContent = text
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value)
  return node
}

function size(bytes) {
  if (bytes < 1024) return `${bytes} 字节`
  return bytes < 1024 * 1024 ? `${(bytes / 1024).toFixed(1)} KB` : `${(bytes / 1024 / 1024).toFixed(1)} MB`
}

function choose(file) {
  chosen = file ?? null
  at('chosen').textContent = file ? `${file.name}（${size(file.size)}）` : '尚未选择'
  at('go').disabled = !file
  at('result').hidden = true
}

function listed(id, sentences) {
  at(id).replaceChildren(...sentences.map(sentence => made('li', sentence)))
  at(id).parentElement.hidden = !sentences.length
}

const VERDICTS = {
  good: ['证据包完好', '包内文件和记载与签署时的日志一致，此后一字未改。'],
  unsigned: ['各部分相互一致，由谁签署未核对', '填入日志公钥或信任策略后再次核验，才能证明由谁签署。'],
  bad: ['证据包不可采信', '至少有一处不符。请向出具单位重新索取原件；如仍不符，保存本文件并告知出具单位。'],
}

function show(report, digest) {
  const verdict = report.valid ? (report.signed ? 'good' : 'unsigned') : 'bad'
  const [title, means] = VERDICTS[verdict]
  at('banner').className = `banner ${verdict}`
  at('verdict').textContent = title
  at('means').textContent = means
  listed('faults', report.faults)
  listed('proven', report.proven)
  listed('not', report.notProven)
  showContent(report)
  showAbout(report, digest)
  at('result').hidden = false
  at('result').focus()
  at('result').scrollIntoView({ block: 'start' })
}

/** What the bundle says, only where every part of it was found good. */
function showContent(report) {
  at('s-shown').hidden = !report.valid
  const shown = at('shown')
  for (const link of shown.querySelectorAll('a')) URL.revokeObjectURL(link.href)
  shown.replaceChildren()
  if (!report.valid) return
  if (report.statement) shown.append(folded('说明（statement.json）', report.statement))
  for (const entry of report.entries) shown.append(folded(`第 ${entry.index} 条 ${entry.type}，${entry.at}`, entry.content))
  if (!report.files.length) return
  const files = made('ul', '', { class: 'files' })
  for (const { name, content } of report.files) {
    const address = URL.createObjectURL(new Blob([content], { type: 'application/octet-stream' }))
    const row = made('li')
    row.append(made('a', name.slice(6), { href: address, download: name.split('/').at(-1) }), made('span', ` ${size(content.length)}`, { class: 'mute' }))
    files.append(row)
  }
  shown.append(made('h4', `文件 ${report.files.length} 个（点名称另存）`), files)
}

function folded(title, content) {
  const fold = made('details')
  fold.append(made('summary', title), made('pre', JSON.stringify(content, null, 2), { tabindex: '0' }))
  return fold
}

function showAbout(report, digest) {
  const rows = [
    ['文件', `${chosen.name}，${chosen.size} 字节`],
    ['文件的 SHA-256', digest],
    ['核验时刻', new Date().toLocaleString('zh-CN', { hour12: false })],
  ]
  if (report.head) rows.push(['日志', report.head.origin], ['检查点', `${report.head.size} 条，树根 ${report.head.root}`])
  if (report.twin) rows.push(['国密检查点', `${report.twin.size} 条，树根 ${report.twin.root}`])
  for (const { name, at: moment } of report.witnesses) rows.push(['见证', `${name}，${moment}`])
  rows.push(['没有核对', 'ML-DSA 签名、RFC 3161 时间戳：本页不能核对，请用 lantai verify'])
  at('about').replaceChildren(...rows.flatMap(([term, told]) => [made('dt', term), made('dd', told)]))
}

async function judge(event) {
  event.preventDefault()
  if (!chosen) return
  at('go').disabled = true
  try {
    const keys = at('keys').value.split('\n').map(each => each.trim()).filter(Boolean)
    const said = at('policy').value.trim()
    const trust = await trustFrom({ keys, policyText: said ? `${said}\n` : null })
    const bytes = new Uint8Array(await chosen.arrayBuffer())
    const report = await verify(bytes, trust, async (place, all) => {
      at('progress').textContent = `正在核对第 ${place} / ${all} 个成员`
      await breath()
    })
    at('progress').textContent = ''
    show(report, hex(await sha256(bytes)))
  } catch (wrong) {
    at('result').hidden = true
    at('progress').textContent = wrong instanceof Fault ? `公钥或信任策略不可用：${wrong.message}` : `没有核完：${wrong.message || wrong.name}`
    if (!(wrong instanceof Fault)) throw wrong
  } finally {
    at('go').disabled = false
  }
}

at('form').addEventListener('submit', judge)
at('bundle').addEventListener('change', event => choose(event.target.files[0]))
at('policy-file').addEventListener('change', async event => {
  const [file] = event.target.files
  if (file) at('policy').value = await file.text()
})
for (const kind of ['dragover', 'dragleave', 'drop']) {
  at('drop').addEventListener(kind, event => {
    event.preventDefault()
    at('drop').classList.toggle('over', kind === 'dragover')
    if (kind === 'drop' && event.dataTransfer.files.length) choose(event.dataTransfer.files[0])
  })
}
at('print').addEventListener('click', () => {
  for (const fold of document.querySelectorAll('details')) fold.open = true
  window.print()
})
at('unfit').hidden = Boolean(globalThis.crypto?.subtle)
if (at('bundle').files.length) choose(at('bundle').files[0]) // kept by the browser when the page is loaded again
