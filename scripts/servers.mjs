// The real servers and clients the tests use, from Debian's packages.
import { spawnSync } from 'node:child_process'
import { accessSync, constants, existsSync, readdirSync } from 'node:fs'
import { delimiter, join } from 'node:path'

/** What the tests run, and the package of Debian it is in. */
const programs = {
  'redis-server': 'redis-server',
  nginx: 'nginx-light',
  curl: 'curl',
  wrk: 'wrk',
  openssl: 'openssl',
  initdb: 'postgresql',
  pgbouncer: 'pgbouncer',
  'rabbitmq-server': 'rabbitmq-server',
  gcc: 'gcc',
  promtool: 'prometheus',
  chromium: 'chromium',
  haproxy: 'haproxy',
}

/** Files that are no programs. */
const files = {
  '/usr/include/librdkafka/rdkafka_mock.h': 'librdkafka-dev',
  '/usr/include/stdio.h': 'libc6-dev',
}

const FOLDERS = ['/usr/sbin', '/usr/local/sbin', '/sbin']
/** Debian keeps the programs of each version of PostgreSQL apart. */
const POSTGRESQL = '/usr/lib/postgresql'

/** The path of a program, or undefined. */
export function which(name) {
  const versions = existsSync(POSTGRESQL)
    ? readdirSync(POSTGRESQL).map((version) => join(POSTGRESQL, version, 'bin'))
    : []
  for (const folder of [...(process.env.PATH ?? '').split(delimiter), ...FOLDERS, ...versions]) {
    try {
      accessSync(join(folder, name), constants.X_OK)
      return join(folder, name)
    } catch {}
  }
  return undefined
}

function missingOnes() {
  return [
    ...Object.keys(programs).filter((name) => which(name) === undefined),
    ...Object.keys(files).filter((name) => !existsSync(name)),
  ]
}

/** Finds each program, or installs it where this user may; else says in one line how. */
export function findServers() {
  const missing = missingOnes()
  if (missing.length === 0) return
  const packages = [...new Set(missing.map((name) => programs[name] ?? files[name]))]
  const how = `apt-get install ${packages.join(' ')}`
  if (process.getuid?.() !== 0 || which('apt-get') === undefined) {
    process.stderr.write(
      `sluice: not found: ${missing.join(', ')}; their tests are skipped by name. To have them: sudo ${how}\n`,
    )
    return
  }
  process.stderr.write(`sluice: installing ${packages.join(', ')} …\n`)
  // The tests start servers of their own: what Debian would start beside them is told that this is no time for it.
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' }
  // Where nothing can be fetched it must not be waited for ever.
  const options = { env, stdio: 'ignore', timeout: 600_000 }
  spawnSync('apt-get', ['update', '-qq'], options)
  spawnSync('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...packages], options)
  const still = missingOnes()
  if (still.length > 0)
    process.stderr.write(
      `sluice: could not install ${still.join(', ')}; their tests are skipped by name. By hand: ${how}\n`,
    )
}
