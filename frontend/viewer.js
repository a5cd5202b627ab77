// One page of a dossier on the screen: opened through the door, tiled, watermarked, dark when the
// leave ends. Used by the review desk and, with `open` given as the facts themselves, for scans.
import OpenSeadragon from 'openseadragon'

const DARK = '影像已关闭：调阅时间已到或授权已收回，请重新打开'
const SIGNED_OUT = '登录已失效，请重新登录'
const UNREACHED = '影像没有送达，请检查网络后重试'

// A tile that did not come is told of on the page; its address, with its token, is for no console.
OpenSeadragon.console = Object.assign(Object.create(console), {
  error(text, ...rest) {
    if (!String(text).startsWith('Tile %s failed')) console.error(text, ...rest)
  },
})

/** A "no" of the server: every reason, each a sentence that may be shown. */
export class Refused extends Error {
  constructor(reasons, status) {
    super(reasons.join('；'))
    this.reasons = reasons
    this.status = status
  }
}

/** POST or GET and return the response; a refusal of the server is thrown with its reasons. */
export async function ask(url, { method = 'GET', signal } = {}) {
  const headers = { Accept: 'application/json, image/jpeg', 'X-Requested-With': 'fetch' }
  if (method === 'POST') headers['X-CSRFToken'] = cookie('csrftoken')
  let response
  try {
    response = await fetch(url, { method, headers, signal, credentials: 'same-origin', cache: 'no-store' })
  } catch (fault) {
    if (fault.name === 'AbortError') throw fault
    throw new Refused([UNREACHED], 0)
  }
  if (response.redirected && response.url.includes('/login')) throw new Refused([SIGNED_OUT], 401)
  if (!response.ok) throw new Refused(await reasonsOf(response), response.status)
  return response
}

async function reasonsOf(response) {
  const json = response.headers.get('Content-Type')?.includes('json')
  const said = json ? await response.json().catch(() => null) : null
  return said?.reasons?.length ? said.reasons : [response.status === 403 ? DARK : UNREACHED]
}

function cookie(name) {
  const found = document.cookie.split('; ').find(part => part.startsWith(`${name}=`))
  return found ? decodeURIComponent(found.slice(name.length + 1)) : ''
}

/** The tiles of one pack: level 0 is the full image there, the last level here. */
class Pack extends OpenSeadragon.TileSource {
  constructor(meta, address, refused) {
    super({
      width: meta.width,
      height: meta.height,
      tileSize: meta.tile_size ?? 512,
      tileOverlap: 0,
      minLevel: 0,
      maxLevel: meta.levels - 1,
      ready: true,
    })
    this.address = address
    this.refused = refused
  }

  getTileUrl(level, column, row) {
    return this.address(this.maxLevel - level, column, row)
  }

  hasTransparency() {
    return false
  }

  downloadTileStart(job) {
    const stop = new AbortController()
    job.userData.stop = stop
    ask(job.src, { signal: stop.signal })
      .then(response => response.blob())
      .then(blob => job.finish(blob, null, 'rasterBlob'))
      .catch(fault => {
        if (fault.name === 'AbortError') return
        job.fail(fault.message, null)
        if (fault.status === 403) this.refused(fault.reasons)
      })
  }

  downloadTileAbort(job) {
    job.userData.stop?.abort()
  }
}

/**
 * A viewer inside an element.
 *
 * @param {HTMLElement} element an empty positioned block; its label names the viewer
 * @param {object} options
 * @param {string|object} [options.open] address that is asked (POST) and answers the facts of the
 *   page {width, height, levels, tile_size, token?, watermark?, closes_in?}, or those facts
 * @param {string} options.tileUrl address with {level} {column} {row} and, if needed, {token}
 * @returns {PageViewer}
 */
export function createViewer(element, { open, tileUrl }) {
  const viewer = new PageViewer(element, tileUrl)
  if (open) viewer.show(open).catch(() => {})
  return viewer
}

export class PageViewer extends EventTarget {
  constructor(element, tileUrl) {
    super()
    this.element = element
    this.tileUrl = tileUrl
    this.meta = null
    this.stage = append(element, 'div', 'lt-osd')
    this.mark = append(element, 'div', 'lt-watermark')
    this.mark.setAttribute('aria-hidden', 'true')
    this.dark = append(element, 'div', 'lt-dark')
    this.dark.setAttribute('role', 'alert')
    this.dark.hidden = true
    this.osd = OpenSeadragon({
      element: this.stage,
      drawer: 'canvas',
      showNavigationControl: false,
      showNavigator: false,
      crossOriginPolicy: false,
      gestureSettingsMouse: { clickToZoom: false, dblClickToZoom: true },
      gestureSettingsTouch: { pinchRotate: false },
      minZoomImageRatio: 0.7,
      maxZoomPixelRatio: 4,
      visibilityRatio: 0.4,
      animationTime: quiet() ? 0 : 0.45,
      imageLoaderLimit: 6,
      tabIndex: -1,
    })
    // OpenSeadragon would keep the keys to itself; the desk has its own.
    this.osd.innerTracker.keyHandler = null
    this.osd.innerTracker.keyDownHandler = null
    // A page that fills its pane goes on filling it when the pane grows or shrinks.
    this.fitted = true
    for (const moved of ['canvas-drag', 'canvas-scroll', 'canvas-pinch', 'canvas-double-click']) {
      this.osd.addHandler(moved, () => { this.fitted = false })
    }
    this.osd.addHandler('after-resize', () => {
      // OpenSeadragon still lays the page itself after this event, so it is fitted a frame later.
      requestAnimationFrame(() => {
        if (this.fitted && this.meta) this.osd.viewport.goHome(true)
      })
    })
  }

  /** Open a page, by address or by facts, and wait until it is on the screen. */
  async show(open) {
    const turn = (this.turn = Symbol('opening'))
    // Nothing of the page before stays: what is read or drawn now would be taken for the new one's.
    this.meta = null
    this.osd.close()
    this.dark.hidden = true
    delete this.element.dataset.whole
    this.element.setAttribute('aria-busy', 'true')
    try {
      const meta = typeof open === 'string' ? await (await ask(open, { method: 'POST' })).json() : open
      if (turn !== this.turn) return null
      this.meta = meta
      this.reopen = open
      await this.#place(meta)
      if (turn !== this.turn) return null
      this.#closeAfter(meta.closes_in)
      this.dispatchEvent(new CustomEvent('shown', { detail: meta }))
      return meta
    } catch (fault) {
      if (turn === this.turn) this.goDark(fault.reasons ?? [UNREACHED], open)
      throw fault
    } finally {
      if (turn === this.turn) this.element.removeAttribute('aria-busy')
    }
  }

  /** The address of one tile of the open page, in the pack's own levels (0 is full size). */
  tile(level, column, row) {
    const token = encodeURIComponent(this.meta.token ?? '')
    return this.tileUrl
      .replace('{level}', level)
      .replace('{column}', column)
      .replace('{row}', row)
      .replace('{token}', token)
  }

  /** The bytes behind an address of the open page; the viewer goes dark when they are refused. */
  async bytes(address) {
    const { meta } = this
    try {
      return await (await ask(address)).blob()
    } catch (fault) {
      if (fault.status === 403 && this.meta === meta) this.goDark(fault.reasons)
      throw fault
    }
  }

  /** Take the image away and say why, with the way to open it again. */
  goDark(reasons, open = this.reopen) {
    clearTimeout(this.timer)
    this.meta = null
    this.osd.close()
    this.mark.style.backgroundImage = ''
    this.dark.replaceChildren()
    for (const reason of reasons) append(this.dark, 'p').textContent = reason
    if (open) {
      const again = append(this.dark, 'button', 'btn btn-outline-light btn-sm')
      again.type = 'button'
      again.textContent = '重新打开'
      again.addEventListener('click', () => this.show(open).catch(() => {}))
    }
    this.dark.hidden = false
    this.dispatchEvent(new CustomEvent('dark', { detail: reasons }))
  }

  /** A rectangle of stored pixels in the viewport's own measure. */
  toViewport([x, y, width, height]) {
    return this.osd.viewport.imageToViewportRectangle(new OpenSeadragon.Rect(x, y, width, height))
  }

  /** The stored pixel under a point of the screen. */
  toStored(clientX, clientY) {
    const box = this.stage.getBoundingClientRect()
    const point = new OpenSeadragon.Point(clientX - box.left, clientY - box.top)
    const at = this.osd.viewport.viewerElementToImageCoordinates(point)
    return { x: at.x, y: at.y }
  }

  /** Bring a region before the eye, with enough of the page around it to know where it is. */
  flyTo([x, y, width, height]) {
    this.fitted = false
    const { viewport } = this.osd
    const page = this.meta
    const pane = viewport.getContainerSize()
    const wide = Math.min(page.width, Math.max(width * 1.6, page.width * 0.55))
    const high = (wide * pane.y) / pane.x
    const left = clamp(x + width / 2 - wide / 2, 0, Math.max(0, page.width - wide))
    const top = clamp(y + height / 2 - high * 0.42, 0, Math.max(0, page.height - high))
    viewport.fitBounds(this.toViewport([left, top, wide, high]), quiet())
  }

  /** Lay an HTML element over a region; it moves and turns with the page. */
  overlay(element, region) {
    this.osd.addOverlay({ element, location: this.toViewport(region) })
  }

  clearOverlays() {
    this.osd.clearOverlays()
  }

  zoom(factor) {
    this.fitted = false
    this.osd.viewport.zoomBy(factor)
    this.osd.viewport.applyConstraints()
  }

  pan(across, down) {
    this.fitted = false
    const size = this.osd.viewport.getBounds()
    this.osd.viewport.panBy(new OpenSeadragon.Point(across * size.width, down * size.height))
    this.osd.viewport.applyConstraints()
  }

  turnBy(degrees) {
    this.osd.viewport.rotateBy(degrees, quiet())
  }

  fit() {
    this.fitted = true
    this.osd.viewport.setRotation(0, quiet())
    this.osd.viewport.goHome(quiet())
  }

  destroy() {
    clearTimeout(this.timer)
    this.turn = null
    this.osd.destroy()
  }

  #place(meta) {
    this.mark.style.backgroundImage = meta.watermark ? `url(${watermark(meta.watermark, this.element)})` : ''
    const pack = new Pack(meta, (...place) => this.tile(...place), reasons => {
      if (this.meta === meta) this.goDark(reasons)
    })
    return new Promise((resolve, reject) => {
      this.osd.addOnceHandler('open', () => {
        this.osd.viewport.setRotation(0, true)
        this.osd.viewport.goHome(true)
        this.fitted = true
        this.osd.world.getItemAt(0).addHandler('fully-loaded-change', ({ fullyLoaded }) => {
          this.element.dataset.whole = String(fullyLoaded)
        })
        resolve()
      })
      this.osd.addOnceHandler('open-failed', () => reject(new Refused([UNREACHED], 0)))
      this.osd.open({ tileSource: pack })
    })
  }

  #closeAfter(seconds) {
    clearTimeout(this.timer)
    if (seconds) this.timer = setTimeout(() => this.goDark([DARK]), seconds * 1000)
  }
}

// Every screen that shows a dossier carries who is looking and when.
function watermark(text, element) {
  const canvas = document.createElement('canvas')
  canvas.width = 420
  canvas.height = 260
  const pen = canvas.getContext('2d')
  pen.translate(210, 130)
  pen.rotate(-0.42)
  pen.font = `15px ${getComputedStyle(element).fontFamily}`
  pen.textAlign = 'center'
  pen.fillStyle = 'rgba(20, 40, 70, .1)'
  pen.fillText(text, 0, 0)
  return canvas.toDataURL()
}

function append(parent, name, className = '') {
  const child = document.createElement(name)
  child.className = className
  parent.append(child)
  return child
}

const clamp = (value, low, high) => Math.min(high, Math.max(low, value))
const quiet = () => matchMedia('(prefers-reduced-motion: reduce)').matches
