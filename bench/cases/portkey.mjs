// The Portkey gateway, from npm, kept in .cache/: no dependency of ours. Without the pins of its Hono packages every streamed
// call of a fresh install is a 500.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from '../../scripts/setup.mjs'

const VERSION = '1.15.2'
const PINS = { hono: '4.9.7', '@hono/node-server': '1.3.3', '@hono/node-ws': '1.2.0' }

/** The path of its server, installed if need be; undefined where it cannot be had. */
export function portkey() {
  const folder = join(root, '.cache', 'portkey')
  const server = join(folder, 'node_modules', '@portkey-ai', 'gateway', 'build', 'start-server.js')
  if (!existsSync(server)) {
    mkdirSync(folder, { recursive: true })
    const manifest = { private: true, dependencies: { '@portkey-ai/gateway': VERSION }, overrides: PINS }
    writeFileSync(join(folder, 'package.json'), JSON.stringify(manifest))
    process.stderr.write(`sluice: installing the Portkey gateway ${VERSION} …\n`)
    spawnSync('npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund'], { cwd: folder, stdio: 'ignore' })
  }
  return existsSync(server) ? server : undefined
}
