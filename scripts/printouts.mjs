// `node scripts/printouts.mjs`: what the docs show a command to print is what it prints. A command in a `sh` block with a
// `text` block right behind it is run from the root, and its output put there.
//
//   node scripts/printouts.mjs [--check] [--built] [--page FILE…]
//
// --check writes nothing and exits 1 when a page is out of date. --built takes what is compiled as it is. Only `sluice`
// commands that measure nothing belong into such a pair: those print the same on every machine.
import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { parseArgs } from 'node:util'
import { root, setUp } from './setup.mjs'

const { values } = parseArgs({
  options: {
    check: { type: 'boolean', default: false },
    built: { type: 'boolean', default: false },
    page: { type: 'string', multiple: true },
  },
})
if (!values.built) setUp()

const PAIR = /^(```sh\nsluice ([^\n]+)\n```\n\n```text\n)[\s\S]*?(^```)$/gm
const sluice = join(root, 'packages/gateway/dist/src/cli/main.js')
const docs = join(root, 'docs')
const pages =
  values.page ??
  readdirSync(docs, { recursive: true })
    .filter((name) => name.endsWith('.md'))
    .map((name) => join(docs, name))

function printed(line) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [sluice, ...line.split(' ')], {
    cwd: root,
    encoding: 'utf8',
  })
  if (status !== 0) {
    process.stderr.write(`sluice: '${line}' ended with ${status}\n${stderr}`)
    process.exit(1)
  }
  return stdout
}

let found = 0
for (const page of pages) {
  const before = readFileSync(page, 'utf8')
  const after = before.replaceAll(PAIR, (_, head, line, tail) => {
    found++
    return `${head}${printed(line)}${tail}`
  })
  if (after === before) continue
  if (!values.check) writeFileSync(page, after)
  else {
    process.stderr.write(`sluice: ${relative(root, page)} does not show what is printed: node scripts/printouts.mjs\n`)
    process.exitCode = 1
  }
}
if (found === 0) {
  process.stderr.write('sluice: no command with its output in these pages\n')
  process.exitCode = 1
}
