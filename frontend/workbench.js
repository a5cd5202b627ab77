// The review desk: a strip of pages, two panes, marks, the loupe and the keys. All that is kept is
// kept by the server through plain forms; here is only what is on the screen.
import { Draw, flash, markBox } from './marks.js'
import { LENSES, Loupe } from './loupe.js'
import { PageViewer } from './viewer.js'

const KEYS = {
  ArrowLeft: 'prev', ArrowRight: 'next', '+': 'zoomin', '=': 'zoomin', '-': 'zoomout', 0: 'fit',
  r: 'rotate', c: 'compare', m: 'marks', d: 'draw', k: 'link', x: 'swap', l: 'lens', '/': 'find', '?': 'help',
}
const PANS = { ArrowLeft: [-0.15, 0], ArrowRight: [0.15, 0], ArrowUp: [0, -0.15], ArrowDown: [0, 0.15] }
const SIDES = ['left', 'right']
const other = side => (side === 'left' ? 'right' : 'left')
const actsInUse = () => document.querySelector('#bench-acts dialog[open], #bench-acts :focus') !== null
const json = id => JSON.parse(document.getElementById(id).textContent)

// The content policy bars inline styles, so there are none to carry over from what is replaced.
window.htmx.config.attributesToSettle = ['class']

class Workbench extends HTMLElement {
  connectedCallback() {
    const desk = json('bench-pages')
    this.addresses = desk.addresses
    this.looked = new Set()
    this.pages = desk.pages
    this.page = new Map(this.pages.map(page => [page.id, page]))
    this.key = `lantai-bench-${this.dataset.case}`
    this.shown = { left: null, right: null }
    this.active = 'left'
    this.panes = this.querySelector('.lt-panes')
    this.loupe = new Loupe(this.querySelector('.lt-loupe'), this.panes)
    this.views = Object.fromEntries(SIDES.map(side => [side, this.#view(side)]))
    this.#readMarks()
    this.#listen()
    this.#restore(desk)
  }

  disconnectedCallback() {
    document.removeEventListener('keydown', this.onKey)
    clearTimeout(this.asking)
    for (const side of SIDES) this.views[side].destroy()
  }

  #view(side) {
    const viewer = new PageViewer(this.#pane(side).querySelector('.lt-glass'), this.addresses.tile)
    viewer.osd.addHandler('canvas-press', () => this.#activate(side))
    viewer.addEventListener('shown', () => {
      this.#drawMarks(side)
      this.#foot()
    })
    viewer.addEventListener('dark', ({ detail }) => {
      this.loupe.forget()
      this.#say(detail.join('；'))
    })
    for (const change of ['zoom', 'pan', 'rotate']) viewer.osd.addHandler(change, () => this.#follow(side))
    return viewer
  }

  #listen() {
    this.addEventListener('click', event => this.#click(event))
    this.onKey = event => this.#press(event)
    document.addEventListener('keydown', this.onKey)
    this.addEventListener('focusin', ({ target }) => {
      const pane = target.closest('.lt-pane')
      if (pane) this.#activate(pane.dataset.pane)
    })
    this.panes.addEventListener('pointermove', event => {
      const pane = event.target.closest('.lt-pane')
      if (pane) this.loupe.hold(this.views[pane.dataset.pane], event.clientX, event.clientY)
    })
    this.panes.addEventListener('pointerleave', () => this.loupe.hide())
    for (const group of ['[role="tablist"]', '[role="radiogroup"]']) {
      this.addEventListener('keydown', event => this.#within(event, group))
    }
    this.querySelector('[name="find"]')?.addEventListener('input', () => this.#filter())
    // The panel comes anew from the server after every form: its marks are the marks now.
    document.addEventListener('htmx:afterSettle', () => this.#refresh())
    document.addEventListener('htmx:beforeSwap', event => this.#beforeSwap(event))
    document.addEventListener('lt:said', ({ detail }) => this.#say(detail.value ?? detail))
  }

  // What was on the screen before the last full load is on it again; the opening is recorded anew.
  #restore(desk) {
    let kept = {}
    try {
      kept = JSON.parse(sessionStorage.getItem(this.key)) ?? {}
    } catch {
      sessionStorage.removeItem(this.key)
    }
    const known = id => (this.page.has(id) ? id : null)
    this.#compare(kept.compare ?? Boolean(desk.right))
    this.#filterBy(kept.filter ?? (this.pages.some(page => page.key) ? 'key' : 'all'))
    if (kept.tab) this.#tab(kept.tab)
    const left = known(kept.left) ?? known(desk.left) ?? this.pages[0]?.id
    if (left) this.#show('left', left)
    if (this.comparing) this.#show('right', known(kept.right) ?? known(desk.right) ?? left)
  }

  #keep() {
    const { left, right } = this.shown
    const kept = { left, right, compare: this.comparing, filter: this.filterName, tab: this.tabName }
    sessionStorage.setItem(this.key, JSON.stringify(kept))
  }

  // Pages

  async #show(side, id) {
    const viewer = this.views[side]
    if (this.shown[side] === id && viewer.meta) return viewer.meta
    const page = this.page.get(id)
    if (!page) return null
    this.#stopDrawing()
    this.shown[side] = id
    this.#title(side, page)
    this.#strip()
    this.#keep()
    try {
      const meta = await viewer.show(this.addresses.open.replace('PAGE', id))
      this.#opened(id)
      return meta
    } catch {
      return null // the pane shows the reasons
    }
  }

  // What may be done hangs on which pages were opened: the buttons come anew when one more was.
  #opened(id) {
    if (this.looked.has(id)) return
    this.looked.add(id)
    this.#renewActs()
  }

  #renewActs() {
    clearTimeout(this.asking)
    this.asking = setTimeout(() => {
      if (actsInUse()) this.#renewActs()
      else window.htmx.ajax('GET', this.addresses.acts, { target: '#bench-acts', swap: 'outerHTML' })
    }, 400)
  }

  // No button and no dialog is taken away from under somebody's finger.
  #beforeSwap({ detail }) {
    if (detail.target.id !== 'bench-acts' || !actsInUse()) return
    detail.shouldSwap = false
    this.#renewActs()
  }

  #title(side, page) {
    const title = this.#pane(side).querySelector('.lt-pane-title')
    const numeral = document.createElement('i')
    numeral.textContent = page.numeral
    title.replaceChildren(numeral, `${page.title}　第 ${page.number} 页`)
    const where = side === 'left' ? '左侧影像' : '右侧影像'
    this.#pane(side).setAttribute('aria-label', `${where}：${page.title} 第 ${page.number} 页`)
  }

  #strip() {
    for (const thumb of this.querySelectorAll('.lt-thumb')) {
      const { page } = thumb.dataset
      if (this.shown[this.active] === page) thumb.setAttribute('aria-current', 'true')
      else thumb.removeAttribute('aria-current')
      thumb.dataset.side = this.#sides().filter(side => this.shown[side] === page).join(' ')
    }
    this.querySelector('.lt-thumb[aria-current]')?.scrollIntoView({ block: 'nearest' })
    const asked = this.querySelector('[data-original]')
    if (asked) asked.value = this.shown[this.active] ?? ''
  }

  // The panes that are on the screen.
  #sides() {
    return this.comparing ? SIDES : ['left']
  }

  #step(by) {
    const listed = this.pages.filter(page => !this.#item(page.id)?.hidden)
    const at = listed.findIndex(page => page.id === this.shown[this.active])
    const next = listed[at + by]
    if (next) this.#show(this.active, next.id)
  }

  #foot() {
    const meta = this.views[this.active].meta
    for (const slot of this.querySelectorAll('[data-foot]')) slot.textContent = meta?.[slot.dataset.foot] ?? '—'
  }

  #activate(side) {
    if (this.active === side) return
    this.active = side
    for (const each of SIDES) this.#pane(each).classList.toggle('is-active', each === side)
    this.#strip()
    this.#foot()
  }

  #filter() {
    const text = this.querySelector('[name="find"]')?.value.trim() ?? ''
    let count = 0
    for (const page of this.pages) {
      const wanted = this.filterName === 'all' || page.key
      const listed = wanted && `${page.numeral}${page.title}${page.date}`.includes(text)
      const item = this.#item(page.id)
      if (item) item.hidden = !listed
      count += listed
    }
    const shown = this.querySelector('[data-listed]')
    if (shown) shown.textContent = count
  }

  #filterBy(name) {
    this.filterName = name
    for (const button of this.querySelectorAll('[data-filter]')) {
      button.setAttribute('aria-pressed', button.dataset.filter === name)
    }
    this.#filter()
  }

  // Two panes

  #compare(on) {
    this.comparing = on
    this.#pane('right').hidden = !on
    this.#pressed('compare', on)
    this.querySelector('[data-act="link"]').disabled = !on
    if (!on) {
      this.#link(false)
      this.#activate('left')
    }
  }

  #link(on) {
    this.linked = null
    this.#pressed('link', on)
    if (!on) return
    const [left, right] = SIDES.map(side => this.views[side].osd.viewport)
    // Kept as they lie now, so that two forms laid on one another stay so.
    this.linked = {
      zoom: right.getZoom() / left.getZoom(),
      across: right.getCenter().minus(left.getCenter()),
      turn: right.getRotation() - left.getRotation(),
    }
  }

  #follow(side) {
    const frames = this.linked
    if (!frames || this.following || SIDES.some(each => !this.views[each].meta)) return
    this.following = true
    const sign = side === 'left' ? 1 : -1
    const from = this.views[side].osd.viewport
    const to = this.views[other(side)].osd.viewport
    to.zoomTo(from.getZoom() * frames.zoom ** sign, null, false)
    to.panTo(from.getCenter().plus(frames.across.times(sign)), false)
    to.setRotation(from.getRotation() + frames.turn * sign)
    this.following = false
  }

  // Marks

  #readMarks() {
    this.marksElement = document.getElementById('bench-marks')
    this.marks = JSON.parse(this.marksElement.textContent)
  }

  #refresh() {
    if (document.getElementById('bench-marks') === this.marksElement) return // another part came
    this.#readMarks()
    for (const side of SIDES) if (this.views[side].meta) this.#drawMarks(side)
    if (this.tabName) this.#tab(this.tabName)
    this.#flags()
  }

  #flags() {
    const doubted = new Set(this.marks.filter(mark => mark.tone === 'risk').map(mark => mark.page))
    for (const thumb of this.querySelectorAll('.lt-thumb')) {
      const flag = thumb.querySelector('.lt-flag')
      if (flag) flag.hidden = !doubted.has(thumb.dataset.page)
    }
  }

  #drawMarks(side) {
    const viewer = this.views[side]
    viewer.clearOverlays()
    for (const mark of this.marks.filter(each => each.page === this.shown[side])) {
      viewer.overlay(markBox(mark, viewer.meta.width), mark.region)
    }
  }

  async #lead(id, side) {
    const mark = this.marks.find(each => each.id === id)
    if (!mark) return
    const showing = this.#sides().filter(each => this.shown[each] === mark.page)
    const where = side ?? showing.pop() ?? this.active
    if (where === 'right' && !this.comparing) this.#compare(true)
    this.#link(false) // one page is led away from the other
    if (!(await this.#show(where, mark.page))) return
    this.#activate(where)
    this.#marksOn(true)
    this.views[where].flyTo(mark.region)
    flash(this.views[where].element.querySelector(`[data-mark="${id}"]`))
    this.#say(`${mark.label}，${this.page.get(mark.page).title} 第 ${this.page.get(mark.page).number} 页`)
  }

  // From a box on the page to what the panel says of it.
  #tellOf(id) {
    const entry = [...this.querySelectorAll(`[data-entry="${id}"]`)].find(each => each.offsetParent)
      ?? this.querySelector(`[data-entry="${id}"]`)
    if (!entry) return
    const fold = entry.closest('details:not([open])')
    if (fold) fold.open = true
    const panel = entry.closest('[role="tabpanel"]')
    if (panel?.hidden) this.#tab(panel.dataset.tab)
    entry.scrollIntoView({ block: 'nearest' })
    flash(entry)
  }

  #marksOn(on) {
    this.classList.toggle('no-marks', !on)
    this.#pressed('marks', on)
  }

  // Drawing

  #startDrawing() {
    const viewer = this.views[this.active]
    if (!viewer.meta || !this.querySelector('#bench-region')) {
      this.#say(viewer.meta ? '本环节不能框选' : '影像还没有打开，请稍候再框选')
      return
    }
    this.loupe.hide()
    this.drawing = new Draw(viewer, region => this.#drawn(region), sentence => this.#say(sentence))
    this.classList.add('drawing')
    this.#pressed('draw', true)
  }

  #stopDrawing() {
    this.drawing?.stop()
    this.drawing = null
    this.classList.remove('drawing')
    this.#pressed('draw', false)
  }

  #drawn(region) {
    const page = this.page.get(this.shown[this.active])
    this.#stopDrawing()
    const form = this.querySelector('#bench-region')
    this.#tab('facts')
    form.hidden = false
    form.open = true
    const [x, y, w, h] = region
    const filled = { page: page.id, x, y, w, h }
    for (const field of form.querySelectorAll('[data-region]')) field.value = filled[field.dataset.region]
    const place = form.querySelector('[data-place]')
    if (place) place.textContent = `${page.numeral} ${page.title} 第 ${page.number} 页 · ${w} × ${h}`
    const viewer = this.views[this.active]
    viewer.overlay(markBox({ id: 'draft', tone: 'draft', label: '新区域', region }, viewer.meta.width), region)
    form.scrollIntoView({ block: 'nearest' })
    const first = form.querySelector('#claim-fact') ?? form.querySelector('#mark-kind')
    first.focus()
    this.#say(`已框选 ${page.title} 第 ${page.number} 页，请填写记载`)
  }

  // Acts

  #click(event) {
    const button = event.target.closest('button')
    if (!button || !this.contains(button)) return
    const { page, mark, pair, lens, act, filter, tab } = button.dataset
    if (button.classList.contains('lt-mark-box')) this.#tellOf(mark)
    else if (page) this.#show(event.shiftKey && this.comparing ? other(this.active) : this.active, page)
    else if (pair) this.#leadBoth(pair.split(' '))
    else if (mark) this.#lead(mark)
    if (lens) this.#setLens(lens)
    if (act) this.#act(act)
    if (filter) this.#filterBy(filter)
    if (tab) this.#tab(tab)
  }

  async #leadBoth([first, second]) {
    await this.#lead(first, 'left')
    await this.#lead(second, 'right')
  }

  #press(event) {
    if (event.ctrlKey || event.metaKey || event.defaultPrevented) return
    if (event.target.closest('input, textarea, select, [role="tablist"], [role="radiogroup"], dialog')) return
    if (document.querySelector('dialog[open]')) return
    if (event.key === 'Escape' && this.drawing) this.#stopDrawing()
    else if (this.drawing?.key(event)) this.loupe.hide()
    else if (event.shiftKey && PANS[event.key]) this.views[this.active].pan(...PANS[event.key])
    else if (event.altKey || (event.key === 'Enter') || !this.#keyed(event.key)) return
    event.preventDefault()
  }

  // Arrows move among the buttons of a group that stands for one choice.
  #within(event, group) {
    const by = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -1, ArrowDown: 1 }[event.key]
    const holder = event.target.closest(group)
    if (!by || !holder) return
    const buttons = [...holder.querySelectorAll('button')]
    const next = buttons[(buttons.indexOf(event.target) + by + buttons.length) % buttons.length]
    event.preventDefault()
    next.focus()
    next.click()
  }

  #keyed(key) {
    const act = KEYS[key] ?? KEYS[key.toLowerCase()]
    if (act) this.#act(act)
    return Boolean(act)
  }

  #act(name) {
    const viewer = this.views[this.active]
    const acts = {
      prev: () => this.#step(-1),
      next: () => this.#step(1),
      zoomin: () => viewer.zoom(1.4),
      zoomout: () => viewer.zoom(1 / 1.4),
      fit: () => viewer.fit(),
      rotate: () => viewer.turnBy(90),
      compare: () => this.#toggleCompare(),
      link: () => this.#link(!this.linked),
      swap: () => this.comparing && this.#activate(other(this.active)),
      marks: () => this.#marksOn(this.classList.contains('no-marks')),
      draw: () => (this.drawing ? this.#stopDrawing() : this.#startDrawing()),
      lens: () => this.#nextLens(),
      find: () => this.querySelector('[name="find"]')?.focus(),
      help: () => this.querySelector('#bench-help').showModal(),
    }
    acts[name]?.()
  }

  #toggleCompare() {
    this.#compare(!this.comparing)
    if (this.comparing && !this.views.right.meta) this.#show('right', this.shown.right ?? this.shown.left)
    this.#strip()
    this.#keep()
    requestAnimationFrame(() => {
      for (const side of SIDES) if (this.views[side].meta) this.views[side].fit()
    })
  }

  #nextLens() {
    const lens = LENSES[(LENSES.indexOf(this.loupe.lens) + 1) % LENSES.length]
    this.#setLens(lens)
    // By key there may be no pointer to follow: the loupe lies in the middle, the page is panned.
    if (lens !== 'off' && this.loupe.element.hidden) {
      const box = this.#pane(this.active).getBoundingClientRect()
      this.loupe.hold(this.views[this.active], box.left + box.width / 2, box.top + box.height / 2)
    }
  }

  #setLens(lens) {
    const buttons = [...this.querySelectorAll('[data-lens]')]
    const chosen = buttons.find(button => button.dataset.lens === lens)
    for (const button of buttons) button.setAttribute('aria-checked', button === chosen)
    this.loupe.choose(lens, chosen.textContent.trim())
    this.#say(`鉴别镜：${chosen.textContent.trim()}`)
  }

  #tab(name) {
    const tabs = [...this.querySelectorAll('[data-tab][role="tab"]')]
    if (!tabs.some(tab => tab.dataset.tab === name)) return
    this.tabName = name
    for (const tab of tabs) {
      const on = tab.dataset.tab === name
      tab.setAttribute('aria-selected', on)
      tab.tabIndex = on ? 0 : -1
    }
    for (const panel of this.querySelectorAll('[role="tabpanel"]')) panel.hidden = panel.dataset.tab !== name
    this.#keep()
  }

  #pane(side) {
    return this.querySelector(`[data-pane="${side}"]`)
  }

  #item(page) {
    return this.querySelector(`.lt-thumb[data-page="${page}"]`)?.closest('li')
  }

  #pressed(act, on) {
    this.querySelector(`[data-act="${act}"]`)?.setAttribute('aria-pressed', on)
  }

  #say(sentence) {
    this.querySelector('#bench-say').textContent = sentence
  }
}

customElements.define('lt-workbench', Workbench)
