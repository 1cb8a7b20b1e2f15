// Style and types: formatting, type-aware lint, the floors that must not know Node, and pictures that are not stale.
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { root, setUp } from './setup.mjs'

setUp()
const checks = [
  ['oxfmt', ['--check']],
  ['oxlint', ['--type-aware', '--deny-warnings']],
  ['tsc', ['-p', 'packages/sluice/tsconfig.core.json']],
]
let failed = false
for (const [tool, args] of checks) {
  const done = spawnSync(join(root, 'node_modules', '.bin', tool), args, { cwd: root, stdio: 'inherit' })
  if (done.status !== 0) failed = true
}
// Pictures and figures of the docs are drawn from seeded runs of the code as it is.
const pictures = [join(root, 'scripts', 'pictures.mjs'), '--check']
if (spawnSync(process.execPath, pictures, { cwd: root, stdio: ['ignore', 'ignore', 'inherit'] }).status !== 0)
  failed = true
process.exit(failed ? 1 : 0)
