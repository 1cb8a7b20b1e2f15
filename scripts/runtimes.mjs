// Other Nodes, and other runtimes, come from the npm registry as plain binaries and are kept in .cache/.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from './setup.mjs'

/** The path of a Node of this major version, installed if need be; undefined where it cannot be had. */
export async function nodeOf(major) {
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
export async function runtimeOf(name) {
  if (process.platform !== 'linux' || process.arch !== 'x64') return undefined
  const [title, ...rest] = RUNTIMES[name]
  return binaryOf(title, name, ...rest)
}

async function binaryOf(title, cache, name, version, inside) {
  const folder = join(root, '.cache', cache)
  const binary = join(folder, 'node_modules', name, inside)
  if (!existsSync(binary)) {
    mkdirSync(folder, { recursive: true })
    writeFileSync(join(folder, 'package.json'), '{"private":true}')
    process.stderr.write(`sluice: installing ${title} …\n`)
    const args = ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--no-package-lock', `${name}@${version}`]
    // Where there is no npm, there is no binary either, and that is said.
    await once(spawn('npm', args, { cwd: folder, stdio: 'ignore', timeout: 300_000 }), 'close').catch(() => {})
  }
  return existsSync(binary) ? binary : undefined
}
