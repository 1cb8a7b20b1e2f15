// `npm run bench` runs every benchmark, `npm run bench -- micro` one of them; what follows its name is its own.
import { spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { findServers } from './servers.mjs'
import { root, setUp } from './setup.mjs'

setUp()
findServers()
const all = readdirSync(join(root, 'bench'))
  .filter((file) => file.endsWith('.mjs'))
  .map((file) => file.slice(0, -4))
const [wanted, ...rest] = process.argv.slice(2)
if (wanted !== undefined && !all.includes(wanted)) {
  process.stderr.write(`sluice: no benchmark '${wanted}'; there are ${all.join(', ')}\n`)
  process.exit(2)
}
for (const name of wanted === undefined ? all : [wanted]) {
  process.stdout.write(`\n# ${name}\n`)
  const done = spawnSync(process.execPath, [join(root, 'bench', `${name}.mjs`), ...rest], {
    cwd: root,
    stdio: 'inherit',
  })
  if (done.status !== 0) process.exit(done.status ?? 1)
}
