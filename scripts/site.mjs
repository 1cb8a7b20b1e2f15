// `npm run site [-- --out FOLDER]`: the docs as a site of plain HTML, .cache/site unless told otherwise. Nothing in it
// comes from elsewhere. Ends with 1 when a link leads nowhere.
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import MarkdownIt from 'markdown-it'
import { root } from './setup.mjs'

const { values } = parseArgs({ options: { out: { type: 'string', default: join(root, '.cache', 'site') } } })
const out = resolve(values.out)

/** Pages by their path from the root; the README is where one arrives. */
const pages = [
  'README.md',
  'ARCHITECTURE.md',
  'CONTRIBUTING.md',
  'SECURITY.md',
  ...readdirSync(join(root, 'docs'), { recursive: true })
    .filter((name) => name.endsWith('.md'))
    .map((name) => join('docs', name)),
].filter((page) => existsSync(join(root, page)))

const htmlOf = (page) => (page === 'README.md' ? 'index.html' : page.replace(/\.md$/, '.html'))

/** Headings are named as GitHub names them, so that links to them are the same in both places. */
function slug(text, taken) {
  const plain = text
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
    .trim()
    .replaceAll(/\s/g, '-')
  const count = taken.get(plain) ?? 0
  taken.set(plain, count + 1)
  return count === 0 ? plain : `${plain}-${count}`
}

const markdown = new MarkdownIt({ html: false, linkify: false })
const links = []

markdown.core.ruler.push('site', ({ tokens, env }) => {
  const taken = new Map()
  for (const [index, token] of tokens.entries()) {
    if (token.type === 'heading_open') {
      const id = slug(
        tokens[index + 1].children
          .filter(({ type }) => type !== 'softbreak')
          .map(({ content }) => content)
          .join(''),
        taken,
      )
      token.attrSet('id', id)
      env.ids.add(id)
    }
    for (const child of token.children ?? []) {
      if (child.type !== 'link_open') continue
      const href = child.attrGet('href')
      if (/^[a-z]+:/.test(href)) continue
      const [path, hash] = href.split('#')
      const target = path === '' ? env.page : relative(root, resolve(root, dirname(env.page), path))
      links.push({ from: env.page, target, hash })
      if (pages.includes(target))
        child.attrSet(
          'href',
          `${path === '' ? '' : relative(dirname(htmlOf(env.page)), htmlOf(target))}${hash === undefined ? '' : `#${hash}`}`,
        )
    }
  }
})

const STYLE = `:root{color-scheme:light dark}body{margin:0 auto;padding:1.5rem;max-width:56rem;font:16px/1.55 system-ui,sans-serif}
nav{display:flex;gap:1rem;flex-wrap:wrap;font-size:.9rem}table{border-collapse:collapse;display:block;overflow-x:auto}
th,td{border-bottom:1px solid color-mix(in srgb,currentColor 20%,transparent);padding:.3rem .7rem;text-align:left}
pre{overflow-x:auto;padding:.8rem;border-radius:6px;background:color-mix(in srgb,currentColor 8%,transparent)}
code{font:.9em ui-monospace,monospace}img{max-width:100%}`

const NAV = ['README.md', 'docs/README.md', 'docs/gateway.md', 'docs/operations.md', 'ARCHITECTURE.md']

rmSync(out, { recursive: true, force: true })
const ids = new Map()
for (const page of pages) {
  const env = { page, ids: new Set() }
  const source = readFileSync(join(root, page), 'utf8')
  const body = markdown.render(source, env)
  ids.set(page, env.ids)
  const title = /^# (.+)$/m.exec(source)?.[1] ?? page
  const file = join(out, htmlOf(page))
  const nav = NAV.map((to) => {
    const name = /^# (.+)$/m.exec(readFileSync(join(root, to), 'utf8'))[1]
    return `<a href="${relative(dirname(file), join(out, htmlOf(to)))}">${name}</a>`
  }).join('')
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(
    file,
    `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1"><title>${markdown.utils.escapeHtml(title)}</title><style>${STYLE}</style></head><body><nav>${nav}</nav><main>${body}</main></body></html>\n`,
  )
}
cpSync(join(root, 'docs', 'pictures'), join(out, 'docs', 'pictures'), { recursive: true })

for (const { from, target, hash } of links) {
  const there =
    existsSync(join(root, target)) && (hash === undefined || !pages.includes(target) || ids.get(target).has(hash))
  if (there) continue
  process.stderr.write(`sluice: ${from}: nothing at ${target}${hash === undefined ? '' : `#${hash}`}\n`)
  process.exitCode = 1
}
process.stdout.write(`${pages.length} pages, ${links.length} links: ${relative(root, out)}\n`)
