// How much of sluice ends up in a bundle: `limiter` alone, and what each server door adds to it. Minified by esbuild,
// compressed by gzip -9, in bytes. `--json` for machines, `--parts` to see what each is made of.
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { build } from 'esbuild'

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

async function bundle(contents) {
  const { outputFiles, metafile } = await build({
    stdin: { contents, resolveDir: root, loader: 'js' },
    bundle: true,
    minify: true,
    format: 'esm',
    platform: 'node',
    write: false,
    metafile: true,
  })
  const parts = Object.entries(Object.values(metafile.outputs)[0].inputs)
    .map(([file, { bytesInOutput }]) => [file.replace(/^.*dist\/src\//, ''), bytesInOutput])
    .filter(([, bytes]) => bytes > 0)
  return { bytes: gzipSync(outputFiles[0].contents, { level: 9 }).length, parts: new Map(parts) }
}

const limiter = await bundle("export { limiter } from 'sluice'")
const sizes = { limiter: limiter.bytes }
const parts = { limiter: [...limiter.parts] }
for (const [name, code] of Object.entries(doors)) {
  const whole = await bundle(code)
  sizes[name] = whole.bytes - limiter.bytes
  parts[name] = [...whole.parts].filter(([file]) => !limiter.parts.has(file))
}

if (process.argv.includes('--json')) process.stdout.write(`${JSON.stringify(sizes)}\n`)
else
  for (const [name, bytes] of Object.entries(sizes)) {
    process.stdout.write((name === 'limiter' ? 'limiter alone' : `+ ${name}`).padEnd(16))
    process.stdout.write(`${(bytes / 1000).toFixed(1).padStart(6)} kB gzip\n`)
    if (process.argv.includes('--parts'))
      for (const [file, raw] of parts[name].sort((a, b) => b[1] - a[1]))
        process.stdout.write(`${String(raw).padStart(14)} B  ${file}\n`)
  }
