// Style and types: formatting, type-aware lint, the floors that must not know Node, and docs that are not stale.
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
// Pictures, figures, lists and printed output of the docs are made of the code as it is.
for (const [script, ...more] of [['pictures.mjs'], ['coverage.mjs'], ['printouts.mjs', '--built']]) {
  const args = [join(root, 'scripts', script), '--check', ...more]
  const done = spawnSync(process.execPath, args, { cwd: root, stdio: ['ignore', 'ignore', 'inherit'] })
  if (done.status !== 0) failed = true
}
process.exit(failed ? 1 : 0)
