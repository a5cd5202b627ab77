// Bundles the product's CSS and JS with the npm packages they import, draws one sprite of the icons
// that templates and views name, and holds the browser floor. Only sources are committed.
import { build, context } from 'esbuild'
import { createHash } from 'node:crypto'
import { copyFileSync, existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const dist = 'frontend/dist'
const web = 'src/lantai/web'
const watching = process.argv.includes('--watch')
// Built aside and put in place at the end, so that a site being served never misses a file.
const out = watching ? dist : 'var/frontend-next'
const entries = ['app.css', 'app.js', 'production.css', 'production.js', 'workbench.css', 'workbench.js', 'cases.css', 'cases.js', 'verifier/site.css']

// Chromium 109 and Firefox 102 are in use in offices; these would break there without a word.
const tooNew = /color-mix\(|light-dark\(|oklch\(|oklab\(|:popover-open|anchor-name:/

function* walk(folder) {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) yield* walk(path)
    else yield path
  }
}

function iconNames() {
  const named = /(?:\{% icon ["']|\bicon=["'])([a-z0-9-]+)["']/g
  const names = new Set()
  for (const file of walk(web)) {
    if (!/\.(html|py)$/.test(file)) continue
    for (const [, name] of readFileSync(file, 'utf8').matchAll(named)) names.add(name)
  }
  return [...names].sort()
}

function sprite() {
  const set = JSON.parse(readFileSync('node_modules/@iconify-json/tabler/icons.json'))
  const symbols = iconNames().map(name => {
    const found = set.icons[name] ?? set.icons[set.aliases?.[name]?.parent]
    if (!found) throw new Error(`no such icon: ${name}`)
    return `<symbol id="${name}" viewBox="0 0 24 24">${found.body}</symbol>`
  })
  writeFileSync(join(out, 'icons.svg'), `<svg xmlns="http://www.w3.org/2000/svg">${symbols.join('')}</svg>`)
  return symbols.length
}

/** The offline verifier: a script for the site, and one file that carries everything. Its
    own policy lets it run that script and that style, and reach nothing. */
async function verifier() {
  const { target } = options
  const shared = { bundle: true, minify: true, target, write: false, legalComments: 'none' }
  const script = await build({ ...shared, entryPoints: ['frontend/verifier/page.js'], format: 'iife' })
  const style = await build({ ...shared, entryPoints: ['frontend/verifier/verifier.css'] })
  const [js, css] = [script.outputFiles[0].text, style.outputFiles[0].text]
  if (/<\/script|<\/style/i.test(js + css)) throw new Error('the verifier cannot stand inside a page')
  const mark = text => `'sha256-${createHash('sha256').update(text).digest('base64')}'`
  const policy = `default-src 'none'; script-src ${mark(js)}; style-src ${mark(css)}; base-uri 'none'; form-action 'none'`
  const body = readFileSync(join(web, 'templates/pages/_verifier.html'), 'utf8')
  writeFileSync(join(out, 'verifier.js'), js)
  writeFileSync(
    join(out, 'verifier.html'),
    `<!doctype html>
<html lang="zh-CN"><head><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1"><title>证据包离线核验 · 兰台</title>
<style>${css}</style></head><body>
${body}<script>${js}</script></body></html>
`,
  )
  return ['verifier.js', 'verifier.html']
}

function holdBrowserFloor() {
  for (const file of walk(out)) {
    if (!/\.(css|js)$/.test(file)) continue
    const found = readFileSync(file, 'utf8').match(tooNew)
    if (found) throw new Error(`${file} uses ${found[0]}, which the browser floor does not have`)
  }
}

const options = {
  entryPoints: entries.map(name => `frontend/${name}`).filter(path => existsSync(path)),
  outdir: out,
  bundle: true,
  minify: !watching,
  splitting: false, // names of chunks inside files are not rewritten by the hashed storage
  format: 'esm',
  sourcemap: watching ? 'linked' : false,
  target: ['chrome109', 'firefox102'],
  loader: { '.woff2': 'file' },
  assetNames: 'fonts/[name]-[hash]',
  external: ['/static/*'],
  legalComments: 'none',
  metafile: true,
  logLevel: 'warning',
}

rmSync(out, { recursive: true, force: true })
mkdirSync(out, { recursive: true })
copyFileSync('frontend/favicon.svg', join(out, 'favicon.svg'))
const icons = sprite()

if (watching) {
  await verifier()
  await (await context(options)).watch()
} else {
  const { metafile } = await build(options)
  const alone = await verifier()
  holdBrowserFloor()
  rmSync(dist, { recursive: true, force: true })
  renameSync(out, dist)
  for (const [file, { bytes }] of Object.entries(metafile.outputs)) {
    if (/\.(js|css)$/.test(file)) console.log(`${(bytes / 1024).toFixed(1).padStart(8)} KB  ${file.replace(out, dist)}`)
  }
  console.log(`${icons} icons, ${alone.join(', ')}`)
}
