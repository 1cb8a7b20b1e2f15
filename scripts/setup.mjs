// Brings a clone from "just checked out" to "built", and does nothing when there is nothing to do.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = fileURLToPath(new URL('..', import.meta.url))
const stamp = join(root, 'node_modules', '.sluice-setup')

/** Runs a command to its end, a quarter of an hour at most; its output is shown only when it fails. Ends this process then. */
export function must(command, args, options = {}) {
  const done = spawnSync(command, args, { cwd: root, encoding: 'utf8', timeout: 900_000, ...options })
  if (done.status === 0) return
  process.stderr.write(`${done.stdout ?? ''}${done.stderr ?? ''}`)
  process.stderr.write(`sluice: '${command} ${args.join(' ')}' failed${done.error ? `: ${done.error.message}` : ''}\n`)
  process.exit(1)
}

function requireNode() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
  if (major > 20 || (major === 20 && minor >= 19)) return
  process.stderr.write(`sluice: Node ${process.versions.node} is too old; 20.19 or newer is needed\n`)
  process.exit(1)
}

/** What node_modules was made from: when this changes, install again. */
function wanted() {
  const hash = createHash('sha256')
  for (const file of [
    'package.json',
    'package-lock.json',
    'packages/sluice/package.json',
    'packages/gateway/package.json',
  ])
    hash.update(readFileSync(join(root, file)))
  return hash.digest('hex')
}

function install() {
  const want = wanted()
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === want) return
  process.stderr.write('sluice: installing packages …\n')
  // Not `npm ci`: it refuses a lock file that lacks optional binaries of other platforms, which not every registry has.
  must('npm', ['install', '--no-save', '--no-audit', '--no-fund'])
  writeFileSync(stamp, want)
}

/** Installs and builds whatever is missing or out of date. */
export function setUp() {
  requireNode()
  install()
  must(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-b'])
  // In a process of its own: what it is made with is there only once everything is installed.
  must(process.execPath, [join(root, 'scripts/page.mjs')])
}
