// One scan on the inspection desk: the viewer, the findings drawn on it, one key a verdict.
import { createViewer } from './viewer.js'

const glass = document.getElementById('glass')
const facts = JSON.parse(document.getElementById('scan-facts').textContent)
const tileUrl = glass.dataset.tiles.replace('/111/222/333/', '/{level}/{column}/{row}/')
const viewer = createViewer(glass, { tileUrl })
let chosen = -1

viewer.addEventListener('shown', event => {
  // From now on "open again" asks the server, which records another look.
  viewer.reopen = glass.dataset.open
  viewer.clearOverlays()
  for (const region of event.detail.regions) viewer.overlay(box(region), region.box)
})
viewer.show(facts).catch(() => {})

function box({ uid, label, sentence, blocks, open }) {
  const mark = document.createElement('button')
  mark.type = 'button'
  mark.className = `lt-mark-box ${blocks && open ? 'lt-mark-risk' : 'lt-mark-note'}`
  mark.title = sentence
  mark.setAttribute('aria-label', `${label} ${sentence}`)
  const word = document.createElement('span')
  word.textContent = label
  mark.append(word)
  mark.addEventListener('click', () => choose(uid))
  return mark
}

function choose(uid) {
  for (const finding of document.querySelectorAll('[data-finding]')) {
    const hot = finding.dataset.finding === uid
    finding.classList.toggle('is-hot', hot)
    if (hot) finding.scrollIntoView({ block: 'nearest' })
  }
}

function fly(uid) {
  const region = viewer.meta?.regions.find(each => each.uid === uid)
  if (region) viewer.flyTo(region.box)
  choose(uid)
}

function flyOn() {
  const regions = viewer.meta?.regions ?? []
  if (!regions.length) return
  chosen = (chosen + 1) % regions.length
  fly(regions[chosen].uid)
}

function judging() {
  const hot = document.querySelector('.lt-finding.is-hot .lt-judge')
  return hot ?? document.querySelector('.lt-finding.is-open .lt-judge')
}

const acts = {
  zoomin: () => viewer.zoom(1.4),
  zoomout: () => viewer.zoom(1 / 1.4),
  fit: () => viewer.fit(),
  rotate: () => viewer.turnBy(90),
}
const keys = {
  '+': acts.zoomin,
  '=': acts.zoomin,
  '-': acts.zoomout,
  0: acts.fit,
  r: acts.rotate,
  f: flyOn,
  y: () => judging()?.querySelector('[data-verdict="confirmed"]')?.click(),
  u: () => judging()?.querySelector('input[name="reason"]')?.focus(),
  t: () => document.getElementById('return-reason')?.focus(),
}

document.addEventListener('click', event => {
  const tool = event.target.closest('[data-act]')
  if (tool) acts[tool.dataset.act]()
  const flyer = event.target.closest('[data-fly]')
  if (flyer) fly(flyer.dataset.fly)
  const reason = event.target.closest('[data-reason]')
  if (reason) fill(reason)
})

function fill(button) {
  const field = document.getElementById('return-reason')
  field.value = button.dataset.reason
  field.focus()
}

document.addEventListener('keydown', event => {
  if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector('dialog[open]')) return
  if (event.target.matches('input:not([type="file"]), textarea, select')) return
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key
  const link = document.querySelector(`[data-key="${CSS.escape(key)}"]`)
  const chip = document.querySelectorAll('[data-reason]')[Number(key) - 1]
  if (link) link.click()
  else if (keys[key]) keys[key]()
  else if (chip) fill(chip)
  else return
  event.preventDefault()
})
