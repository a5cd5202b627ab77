// The forensic loupe: stored pixels under the pointer, enlarged and seen through one recipe.
// It works on a copy on the screen; the master is never touched.

const unit = value => Math.min(1, Math.max(0, value))

// Per-pixel recipes: channels 0–255 in, channels 0–255 out.
export const recipes = {
  // What is redder than it is green or blue: the seal, alone on white.
  seal(red, green, blue) {
    const share = unit((red - Math.max(green, blue) - 26) / 60)
    return [255 - 62 * share, 250 - 222 * share, 244 - 216 * share]
  },
  // Darkness split by tint: blue-black ink turns violet, neutral black turns blue.
  ink(red, green, blue) {
    const light = 0.3 * red + 0.59 * green + 0.11 * blue
    const tint = unit((blue - red + 18) / 70)
    const dark = unit((190 - light) / 120)
    return [
      255 - dark * (215 - 10 * (1 - tint)),
      255 - dark * (190 + 40 * (1 - tint)),
      255 - dark * (60 + 175 * (1 - tint)),
    ]
  },
  // The blue channel stretched: scraped or bleached paper shows as a bright patch.
  paper(red, green, blue) {
    const share = unit((blue - 150) / 95)
    return [40 + 215 * share, 30 + 20 * share + 190 * share ** 2, 70 + 120 * share ** 3]
  },
}

export const LENSES = ['off', 'seal', 'ink', 'paper']
const MAGNIFIES = 1.8
const KEPT_TILES = 48

export class Loupe {
  /** @param {HTMLElement} element holds a canvas and a label; it is placed over `ground`. */
  constructor(element, ground) {
    this.element = element
    this.ground = ground
    this.canvas = element.querySelector('canvas')
    this.label = element.querySelector('span')
    this.lens = 'off'
    this.tiles = new Map()
  }

  choose(lens, name) {
    this.lens = lens
    this.element.dataset.whole = 'false'
    this.label.textContent = `${name} ×${MAGNIFIES}`
    this.element.hidden = lens === 'off' || !this.viewer
    this.#ask()
  }

  /** Hold the loupe over a point of the screen, in a viewer that shows a page. */
  hold(viewer, clientX, clientY) {
    if (this.lens === 'off' || !viewer?.meta) return
    this.viewer = viewer
    this.at = { clientX, clientY }
    this.element.hidden = false
    this.#ask()
  }

  hide() {
    this.element.hidden = true
    this.viewer = null
  }

  /** Forget the tiles of a page that went dark. */
  forget() {
    for (const { bitmap } of this.tiles.values()) bitmap?.close()
    this.tiles.clear()
    this.hide()
  }

  #ask() {
    if (this.lens === 'off' || !this.viewer || this.frame) return
    this.frame = requestAnimationFrame(() => {
      this.frame = 0
      if (this.viewer?.meta && this.lens !== 'off') this.#draw()
    })
  }

  #draw() {
    const { viewer, canvas } = this
    const size = canvas.width
    const { clientX, clientY } = this.at
    const home = this.ground.getBoundingClientRect()
    this.element.style.left = `${clientX - home.left - size / 2}px`
    this.element.style.top = `${clientY - home.top - size / 2}px`

    const centre = viewer.toStored(clientX, clientY)
    const { viewport, world } = viewer.osd
    const onScreen = world.getItemAt(0).viewportToImageZoom(viewport.getZoom(true))
    const scale = onScreen * MAGNIFIES // glass pixels for one stored pixel
    const pen = canvas.getContext('2d', { willReadFrequently: true })
    pen.setTransform(1, 0, 0, 1, 0, 0)
    pen.fillStyle = '#fff'
    pen.fillRect(0, 0, size, size)
    pen.imageSmoothingQuality = 'high'
    pen.translate(size / 2, size / 2)
    pen.rotate((viewport.getRotation(true) * Math.PI) / 180)
    pen.scale(scale, scale)
    pen.translate(-centre.x, -centre.y)
    this.element.dataset.whole = String(this.#paint(pen, centre, size / scale))
    this.#apply(pen, size)
  }

  // Lay the tiles around the centre, from the pack level whose pixels are nearest to the glass's;
  // tell whether all of them were there.
  #paint(pen, centre, span) {
    const { meta } = this.viewer
    const side = meta.tile_size ?? 512
    const perGlass = span / this.canvas.width
    const level = Math.min(meta.levels - 1, Math.max(0, Math.floor(Math.log2(Math.max(1, perGlass)))))
    const step = side * 2 ** level
    const reach = span * 0.71 // a turned square reaches as far as its diagonal
    const columns = Math.ceil(meta.width / step)
    const rows = Math.ceil(meta.height / step)
    const first = value => Math.max(0, Math.floor((value - reach) / step))
    const last = (value, count) => Math.min(count - 1, Math.floor((value + reach) / step))
    let whole = true
    for (let row = first(centre.y); row <= last(centre.y, rows); row += 1) {
      for (let column = first(centre.x); column <= last(centre.x, columns); column += 1) {
        const bitmap = this.#tile(level, column, row)
        if (!bitmap) {
          whole = false
          continue
        }
        const grow = 2 ** level
        pen.drawImage(bitmap, column * step, row * step, bitmap.width * grow, bitmap.height * grow)
      }
    }
    return whole
  }

  #tile(level, column, row) {
    const address = this.viewer.tile(level, column, row)
    const known = this.tiles.get(address)
    if (known) return known.bitmap
    const entry = { bitmap: null }
    this.tiles.set(address, entry)
    if (this.tiles.size > KEPT_TILES) {
      const [oldest, dropped] = this.tiles.entries().next().value
      dropped.bitmap?.close()
      this.tiles.delete(oldest)
    }
    const { viewer } = this
    viewer
      .bytes(address)
      .then(blob => createImageBitmap(blob))
      .then(bitmap => {
        entry.bitmap = bitmap
        this.#ask()
      })
      .catch(() => this.tiles.delete(address))
    return null
  }

  #apply(pen, size) {
    const recipe = recipes[this.lens]
    const image = pen.getImageData(0, 0, size, size)
    const pixels = image.data
    for (let at = 0; at < pixels.length; at += 4) {
      const [red, green, blue] = recipe(pixels[at], pixels[at + 1], pixels[at + 2])
      pixels[at] = red
      pixels[at + 1] = green
      pixels[at + 2] = blue
    }
    pen.putImageData(image, 0, 0)
  }
}
