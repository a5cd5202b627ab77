// Regions on a page: the marks laid over it as buttons, and the drawing of a new one by mouse or
// by keys. All measures are stored pixels of the master, from its upper left corner.

const SMALLEST = 8

/** A focusable box for a mark; what it says stands beside it. */
export function markBox(mark, pageWidth) {
  const box = document.createElement('button')
  box.type = 'button'
  box.className = `lt-mark-box lt-mark-${mark.tone}`
  if (mark.region[0] > pageWidth * 0.55) box.classList.add('end')
  box.dataset.mark = mark.id
  box.title = mark.label
  const label = document.createElement('span')
  label.textContent = mark.label
  box.append(label)
  // The viewer takes hold of every pointer that goes down inside it; a click here is the box's.
  box.addEventListener('pointerdown', event => event.stopPropagation())
  return box
}

/** Let a box show where the eye was led. */
export function flash(box) {
  if (!box) return
  box.classList.remove('hot')
  requestAnimationFrame(() => box.classList.add('hot'))
}

export class Draw {
  /**
   * @param {import('./viewer.js').PageViewer} viewer the page drawn on
   * @param {(region: number[]) => void} done called with [x, y, width, height]
   * @param {(sentence: string) => void} say tells a screen reader
   */
  constructor(viewer, done, say) {
    this.viewer = viewer
    this.done = done
    this.say = say
    this.draft = document.createElement('div')
    this.draft.className = 'lt-draft'
    this.osd = viewer.osd
    this.osd.gestureSettingsMouse.dragToPan = false
    this.press = event => this.#press(event)
    this.drag = event => this.#drag(event)
    this.release = event => this.#release(event)
    this.osd.addHandler('canvas-press', this.press)
    this.osd.addHandler('canvas-drag', this.drag)
    this.osd.addHandler('canvas-release', this.release)
    say('框选：拖动鼠标；或用方向键移动、Shift 加方向键改变大小，回车确定，Esc 取消')
  }

  stop() {
    this.osd.removeHandler('canvas-press', this.press)
    this.osd.removeHandler('canvas-drag', this.drag)
    this.osd.removeHandler('canvas-release', this.release)
    this.osd.gestureSettingsMouse.dragToPan = true
    this.osd.removeOverlay(this.draft)
  }

  /** Take a key; tell whether it was one of the drawing's own. */
  key(event) {
    if (event.key === 'Enter') {
      if (this.region) this.done(this.region)
      else this.#show(this.#middle())
      return true
    }
    const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key]
    if (!way) return false
    if (!this.region) {
      this.#show(this.#middle())
      return true
    }
    const step = Math.max(1, Math.round(this.#seen().width * (event.altKey ? 0.003 : 0.02)))
    const [x, y, width, height] = this.region
    const moved = event.shiftKey
      ? [x, y, width + way[0] * step, height + way[1] * step]
      : [x + way[0] * step, y + way[1] * step, width, height]
    this.#show(moved)
    return true
  }

  #press(event) {
    this.start = this.#stored(event.position)
  }

  #drag(event) {
    event.preventDefaultAction = true
    if (!this.start) return
    const end = this.#stored(event.position)
    this.#show([
      Math.min(this.start.x, end.x),
      Math.min(this.start.y, end.y),
      Math.abs(end.x - this.start.x),
      Math.abs(end.y - this.start.y),
    ], false)
    this.dragged = true
  }

  #release() {
    const [, , width, height] = this.region ?? [0, 0, 0, 0]
    if (this.dragged && width > SMALLEST && height > SMALLEST) this.done(this.region)
    this.start = null
    this.dragged = false
  }

  #stored(position) {
    const at = this.osd.viewport.viewerElementToImageCoordinates(position)
    return { x: at.x, y: at.y }
  }

  // What part of the page is on the screen, in stored pixels.
  #seen() {
    return this.osd.viewport.viewportToImageRectangle(this.osd.viewport.getBounds(true))
  }

  #middle() {
    const seen = this.#seen()
    const width = seen.width * 0.25
    const height = seen.height * 0.08
    return [seen.x + (seen.width - width) / 2, seen.y + (seen.height - height) / 2, width, height]
  }

  #show(region, aloud = true) {
    const { meta } = this.viewer
    const width = Math.min(meta.width, Math.max(SMALLEST, Math.round(region[2])))
    const height = Math.min(meta.height, Math.max(SMALLEST, Math.round(region[3])))
    const x = Math.min(meta.width - width, Math.max(0, Math.round(region[0])))
    const y = Math.min(meta.height - height, Math.max(0, Math.round(region[1])))
    const fresh = !this.region
    this.region = [x, y, width, height]
    const location = this.viewer.toViewport(this.region)
    if (fresh) this.osd.addOverlay({ element: this.draft, location })
    else this.osd.updateOverlay(this.draft, location)
    if (aloud) this.say(`区域 左 ${x} 上 ${y} 宽 ${width} 高 ${height}`)
  }
}
