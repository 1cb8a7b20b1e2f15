import type { Snapshot } from '../src/live/snapshot.ts'
import { save } from './save.ts'

/** Saves what the page shows now as one HTML file that needs nothing else: pictures, tables, and the figures as JSON. */
export function report(snapshot: Snapshot): void {
  const copy = document.documentElement.cloneNode(true) as HTMLElement
  // A canvas is copied empty.
  const drawn = document.querySelectorAll('canvas')
  for (const [index, canvas] of copy.querySelectorAll('canvas').entries()) {
    const picture = document.createElement('img')
    const original = drawn[index]!
    picture.src = original.toDataURL('image/png')
    picture.width = original.clientWidth
    picture.height = original.clientHeight
    picture.alt = original.closest('figure')?.getAttribute('aria-label') ?? 'chart'
    canvas.replaceWith(picture)
  }
  for (const part of copy.querySelectorAll('script, .controls, .demo, .keys, button')) part.remove()
  // Whoever reads it later asks first of when it is, and of what.
  const heading = `Sluice on ${location.host}, ${new Date(snapshot.at).toISOString()}`
  for (const part of copy.querySelectorAll('h1, title')) part.textContent = heading
  const data = document.createElement('script')
  data.type = 'application/json'
  data.id = 'snapshot'
  // Nothing in it may end the element it stands in.
  data.textContent = JSON.stringify(snapshot).replaceAll('<', String.raw`\u003c`)
  copy.querySelector('body')!.append(data)
  const name = `sluice-${new Date(snapshot.at).toISOString().replaceAll(':', '-').slice(0, 19)}.html`
  save(name, 'text/html', `<!doctype html>\n${copy.outerHTML}`)
}
