// What every page needs: menus, dialogs, notices, keys, large text. Pages work without it.

const root = document.documentElement

function toggleTextSize(button) {
  const large = root.dataset.text !== 'large'
  if (large) root.dataset.text = 'large'
  else delete root.dataset.text
  button.setAttribute('aria-pressed', String(large))
  const secure = location.protocol === 'https:' ? '; secure' : ''
  document.cookie = `lantai_text=${large ? 'large' : 'normal'}; path=/; max-age=31536000; samesite=lax${secure}`
}

function closeMenus(except) {
  for (const menu of document.querySelectorAll('details[data-menu][open]')) if (menu !== except) menu.open = false
}

document.addEventListener('click', event => {
  const { target } = event
  closeMenus(target.closest('details[data-menu]'))

  const size = target.closest('[data-text-size]')
  if (size) {
    event.preventDefault()
    toggleTextSize(size)
  }
  if (target.closest('[data-print]')) print()

  const opener = target.closest('[data-dialog]')
  if (opener) {
    event.preventDefault()
    const dialog = document.getElementById(opener.dataset.dialog)
    dialog?.showModal()
    if (dialog) lendNotices(dialog)
  }
  const closer = target.closest('[data-close]')
  const closed = closer?.closest('dialog, .lt-notice')
  if (closed) closed instanceof HTMLDialogElement ? closed.close() : closed.remove()
  if (target instanceof HTMLDialogElement) target.close() // the backdrop

  const copier = target.closest('[data-copy]')
  if (copier) navigator.clipboard?.writeText(document.getElementById(copier.dataset.copy)?.textContent ?? '')

  const filler = target.closest('[data-fill]')
  if (filler) fill(JSON.parse(filler.dataset.fill))
})

// What is said while a dialog is open is said over it, not behind it.
function lendNotices(dialog) {
  const notices = document.getElementById('notices')
  if (!notices || dialog.contains(notices)) return
  const before = notices.nextSibling
  const home = notices.parentNode
  dialog.append(notices)
  dialog.addEventListener('close', () => home.insertBefore(notices, before), { once: true })
}

// Writes values into the fields named by their ids, as the demo's list of sign-in names does.
function fill(values) {
  let last
  for (const [id, value] of Object.entries(values)) {
    last = document.getElementById(id)
    if (last) last.value = value
  }
  last?.focus()
}

document.addEventListener('keydown', event => {
  if (event.key === 'Escape') {
    const open = document.querySelector('details[data-menu][open]')
    if (open) {
      open.open = false
      open.querySelector('summary').focus()
    }
    return
  }
  if (event.ctrlKey || event.metaKey || event.altKey) return
  if (event.target.matches('input, textarea, select, [contenteditable]')) return
  const hot = document.querySelector(`[data-hotkey="${CSS.escape(event.key)}"]`)
  if (!hot) return
  event.preventDefault()
  hot.focus()
  hot.select?.()
})

// A button that sends a form shows that it was pressed, and is not pressed twice.
document.addEventListener('submit', event => {
  const button = event.submitter
  if (!button || event.target.matches('[hx-get], [data-download]') || event.target.method === 'dialog') return
  setTimeout(() => {
    if (event.defaultPrevented) return
    button.setAttribute('aria-disabled', 'true')
    button.classList.add('lt-sent')
  })
})
addEventListener('pageshow', () => {
  for (const button of document.querySelectorAll('.lt-sent')) {
    button.removeAttribute('aria-disabled')
    button.classList.remove('lt-sent')
  }
})
