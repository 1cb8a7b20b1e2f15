// The real servers and clients the tests use, from Debian's packages.
import { spawnSync } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'

const programs = { 'redis-server': 'redis-server', nginx: 'nginx-light', curl: 'curl', wrk: 'wrk' }

/** The path of a program, or undefined. */
export function which(name) {
  for (const folder of [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin', '/sbin']) {
    try {
      accessSync(join(folder, name), constants.X_OK)
      return join(folder, name)
    } catch {}
  }
  return undefined
}

/** Finds each program, or installs it where this user may; else says in one line how. */
export function findServers() {
  const missing = Object.keys(programs).filter((name) => which(name) === undefined)
  if (missing.length === 0) return
  const packages = missing.map((name) => programs[name])
  const how = `apt-get install ${packages.join(' ')}`
  if (process.getuid?.() !== 0 || which('apt-get') === undefined) {
    process.stderr.write(
      `sluice: not found: ${missing.join(', ')}; their tests are skipped by name. To have them: sudo ${how}\n`,
    )
    return
  }
  process.stderr.write(`sluice: installing ${packages.join(', ')} …\n`)
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  spawnSync('apt-get', ['update', '-qq'], { env, stdio: 'ignore' })
  spawnSync('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...packages], { env, stdio: 'ignore' })
  const still = missing.filter((name) => which(name) === undefined)
  if (still.length > 0)
    process.stderr.write(
      `sluice: could not install ${still.join(', ')}; their tests are skipped by name. By hand: ${how}\n`,
    )
}
