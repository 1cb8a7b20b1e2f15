// Bundles the page of the admin port into one file, packages/gateway/dist/page/page.html, and says when it is too large.
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { build } from 'esbuild'

const gateway = fileURLToPath(new URL('../packages/gateway', import.meta.url))
const sources = join(gateway, 'page')
const folder = join(gateway, 'dist', 'page')
const target = join(folder, 'page.html')

/** What everybody who opens the page has to load, in bytes, packed. */
const MOST = 60_000

/** Makes the page where it is missing or older than what it is made of. */
export async function bundlePage() {
  const newest = Math.max(...readdirSync(sources).map((name) => statSync(join(sources, name)).mtimeMs))
  if (existsSync(target) && statSync(target).mtimeMs > newest) return
  const common = { bundle: true, minify: true, write: false, logLevel: 'error', legalComments: 'none' }
  const script = await build({
    ...common,
    entryPoints: [join(sources, 'main.tsx')],
    format: 'esm',
    target: 'es2022',
    jsx: 'automatic',
    jsxImportSource: 'preact',
  })
  const uplot = fileURLToPath(import.meta.resolve('uplot/dist/uPlot.min.css'))
  const style = await build({
    ...common,
    stdin: {
      contents: `@import ${JSON.stringify(uplot)};\n@import "./style.css";`,
      loader: 'css',
      resolveDir: sources,
    },
  })
  const html = readFileSync(join(sources, 'index.html'), 'utf8')
    // As functions: a dollar in what is put in means nothing then.
    .replace('/*style*/', () => style.outputFiles[0].text.trim())
    .replace('/*script*/', () => script.outputFiles[0].text.trim().replaceAll('</script', String.raw`<\/script`))
  const packed = gzipSync(html).length
  if (packed > MOST) throw new Error(`the page takes ${packed} bytes packed, and may take ${MOST}`)
  mkdirSync(folder, { recursive: true })
  writeFileSync(target, html)
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await bundlePage()
  process.stdout.write(`${target}: ${gzipSync(readFileSync(target)).length} bytes packed\n`)
}
