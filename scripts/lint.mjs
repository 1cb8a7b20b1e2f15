// Style and types: formatting, type-aware lint, and the floors that must not know Node.
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
process.exit(failed ? 1 : 0)
