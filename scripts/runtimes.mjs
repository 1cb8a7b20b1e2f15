// Other Nodes, and other runtimes, come from the npm registry as plain binaries and are kept in .cache/.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from './setup.mjs'

/** The path of a Node of this major version, installed if need be; undefined where it cannot be had. */
export function nodeOf(major) {
  if (process.versions.node.startsWith(`${major}.`)) return process.execPath
  const name = `node-${process.platform === 'win32' ? 'win' : process.platform}-${process.arch}`
  return binaryOf(`Node ${major}`, `node-${major}`, name, major, 'bin/node')
}

const RUNTIMES = {
  bun: ['Bun', '@oven/bun-linux-x64', '1.4.5', 'bin/bun'],
  deno: ['Deno', '@deno/linux-x64-glibc', '2.9.6', 'deno'],
  workerd: ['workerd', '@cloudflare/workerd-linux-64', '1.20261117.1', 'bin/workerd'],
}

/** The path of one of those, installed if need be; undefined where it cannot be had. */
export function runtimeOf(name) {
  if (process.platform !== 'linux' || process.arch !== 'x64') return undefined
  const [title, ...rest] = RUNTIMES[name]
  return binaryOf(title, name, ...rest)
}

function binaryOf(title, cache, name, version, inside) {
  const folder = join(root, '.cache', cache)
  const binary = join(folder, 'node_modules', name, inside)
  if (!existsSync(binary)) {
    mkdirSync(folder, { recursive: true })
    writeFileSync(join(folder, 'package.json'), '{"private":true}')
    process.stderr.write(`sluice: installing ${title} …\n`)
    const args = ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--no-package-lock', `${name}@${version}`]
    spawnSync('npm', args, { cwd: folder, stdio: 'ignore' })
  }
  return existsSync(binary) ? binary : undefined
}
