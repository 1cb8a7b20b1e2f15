// `npm start` runs the demo; `npm start -- run --upstream URL` passes its arguments to the `sluice` command.
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { root, setUp } from './setup.mjs'

setUp()
const given = process.argv.slice(2)
const child = spawn(
  process.execPath,
  [join(root, 'packages/gateway/dist/src/cli/main.js'), ...(given.length > 0 ? given : ['demo'])],
  {
    stdio: 'inherit',
  },
)
// The terminal sends Ctrl-C to the whole group: the command decides how to end, we only wait for it.
process.on('SIGINT', () => {})
process.on('SIGTERM', () => child.kill('SIGTERM'))
child.on('exit', (code, signal) => process.exit(code ?? (signal === 'SIGINT' ? 130 : 143)))
