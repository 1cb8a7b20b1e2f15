// `npm test`: set up, find or install the servers, run every compiled test. `--nodes 20,22,24` runs them on each of
// those Nodes in turn, and also what a plain run leaves out on some; `--only WORD` runs the test files whose path contains WORD.
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { join, relative } from 'node:path'
import { parseArgs } from 'node:util'
import { nodeOf, runtimeOf } from './runtimes.mjs'
import { findServers } from './servers.mjs'
import { root, setUp } from './setup.mjs'

const { values } = parseArgs({ options: { nodes: { type: 'string' }, only: { type: 'string' } } })

function testFiles() {
  const found = []
  for (const name of ['sluice', 'gateway']) {
    const home = join(root, 'packages', name)
    for (const entry of readdirSync(join(home, 'dist', 'test'), { recursive: true })) {
      if (!entry.endsWith('.test.js')) continue
      // The compiler never deletes: a test whose source is gone is not a test any more.
      const source = join(home, 'test', entry.replace(/\.js$/, '.ts'))
      if (existsSync(source)) found.push(relative(root, join(home, 'dist', 'test', entry)))
    }
  }
  return found
    .toSorted((a, b) => a.localeCompare(b))
    .filter((file) => values.only === undefined || file.includes(values.only))
}

// The tests of the pipelining trap start servers on each of these, so they are made ready before anything is timed; all
// at once, and while the rest is set up.
const runtimes = [
  ...[20, 22, 24].map(async (major) => [`SLUICE_NODE_${major}`, (await nodeOf(major)) ?? '']),
  ...['bun', 'deno', 'workerd'].map(async (name) => [`SLUICE_${name.toUpperCase()}`, (await runtimeOf(name)) ?? '']),
]
setUp()
findServers()
const env = { ...process.env, ...Object.fromEntries(await Promise.all(runtimes)) }
// Whoever asks for every Node asks for everything on each.
if (values.nodes !== undefined) env.SLUICE_NODE_MATRIX = '1'

let failed = 0
for (const major of values.nodes?.split(',') ?? [undefined]) {
  const node = major === undefined ? process.execPath : await nodeOf(Number(major))
  if (node === undefined) {
    process.stderr.write(`sluice: Node ${major} cannot be had on this machine\n`)
    process.exit(1)
  }
  if (major !== undefined) process.stdout.write(`\nNode ${major}\n`)
  const args = ['--enable-source-maps', join(root, 'scripts', 'run-tests.mjs'), ...testFiles()]
  const { status } = spawnSync(node, args, { cwd: root, stdio: 'inherit', env })
  if (status !== 0) failed = 1
}
process.exit(failed)
