// How much of sluice ends up in a bundle: `limiter` alone, and what each server door adds to it. Minified by esbuild,
// compressed by gzip -9, in bytes. `--json` for machines. `--parts` shows where they are, by floor and by file: what the
// bundle would be smaller by without its text, and how much that is before compression. What is said twice is compressed
// once, so the parts add up to less than the whole.
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { build, transformSync } from 'esbuild'

const root = fileURLToPath(new URL('..', import.meta.url))
const doors = {
  node: "export { protect } from 'sluice/node'",
  express: "export { protect } from 'sluice/express'",
  koa: "export { protect } from 'sluice/koa'",
  fastify: "export { default } from 'sluice/fastify'",
  nest: "export { SluiceModule } from 'sluice/nest'",
  hono: "export { protect } from 'sluice/hono'",
  fetch: "export { protect } from 'sluice/fetch'",
}

async function bundle(contents, how) {
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: root, loader: 'js' },
    bundle: true,
    format: 'esm',
    platform: 'node',
    write: false,
    ...how,
  })
  return outputFiles[0].text
}

function zipped(code) {
  return gzipSync(code, { level: 9 }).length
}

/** The text of each file in a bundle, minified but for its space: where that is kept, esbuild names the file of each line. */
async function textsOf(contents) {
  const texts = new Map()
  let file = ''
  for (const line of (await bundle(contents, { minifySyntax: true, minifyIdentifiers: true })).split('\n')) {
    const from = /^\/\/ (.*)$/.exec(line)
    if (from !== null) file = from[1].replace(/^.*dist\/src\//, '')
    else texts.set(file, `${texts.get(file) ?? ''}${line}\n`)
  }
  return texts
}

function squeeze(texts) {
  return transformSync([...texts].join(''), { minifyWhitespace: true, format: 'esm' }).code
}

function costOf(texts, files) {
  const own = files.map((file) => texts.get(file))
  const rest = [...texts].filter(([file]) => !files.includes(file)).map(([, text]) => text)
  return { gzip: zipped(squeeze(texts.values())) - zipped(squeeze(rest)), raw: squeeze(own).length }
}

async function printParts(code, besides) {
  const texts = await textsOf(code)
  const files = [...texts.keys()].filter((file) => file.includes('/') && !besides.has(file))
  const floorOf = (file) => `${file.split('/')[0]}/`
  const floors = [...new Set(files.map(floorOf))].map((name) => files.filter((file) => floorOf(file) === name))
  const rows = (groups) =>
    groups.map((group) => ({ group, ...costOf(texts, group) })).toSorted((a, b) => b.gzip - a.gzip)
  const print = (name, { gzip, raw }) =>
    process.stdout.write(`${name.padEnd(34)}${String(gzip).padStart(6)} B ${String(raw).padStart(8)} B\n`)
  print('', { gzip: 'gzip', raw: 'minified' })
  for (const floor of rows(floors)) {
    print(`  ${floorOf(floor.group[0])}`, floor)
    for (const file of rows(floor.group.map((name) => [name]))) print(`    ${file.group[0]}`, file)
  }
}

const alone = "export { limiter } from 'sluice'"
const limiter = zipped(await bundle(alone, { minify: true }))
const sizes = { limiter }
for (const [name, code] of Object.entries(doors)) sizes[name] = zipped(await bundle(code, { minify: true })) - limiter

if (process.argv.includes('--json')) process.stdout.write(`${JSON.stringify(sizes)}\n`)
else {
  const parts = process.argv.includes('--parts')
  const besides = parts ? new Set((await textsOf(alone)).keys()) : undefined
  for (const [name, bytes] of Object.entries(sizes)) {
    process.stdout.write((name === 'limiter' ? 'limiter alone' : `+ ${name}`).padEnd(16))
    process.stdout.write(`${(bytes / 1000).toFixed(1).padStart(6)} kB gzip\n`)
    if (parts) await printParts(doors[name] ?? alone, name === 'limiter' ? new Set() : besides)
  }
}
