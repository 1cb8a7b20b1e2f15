// A PostgreSQL of the test's own: its data in a temporary folder, its port free, ended by its pid.
import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { accessSync, chownSync, constants, existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePort } from './free-port.ts'

const ROOT = '/usr/lib/postgresql'

function folders(): string[] {
  const versions = existsSync(ROOT) ? readdirSync(ROOT).toSorted().toReversed() : []
  return [
    ...(process.env['PATH'] ?? '').split(delimiter),
    '/usr/sbin',
    ...versions.map((version) => join(ROOT, version, 'bin')),
  ]
}

/** Where a program is; undefined where it is not installed. */
export function programOf(name: string): string | undefined {
  return folders()
    .map((folder) => join(folder, name))
    .find((path) => {
      try {
        accessSync(path, constants.X_OK)
        return true
      } catch {
        return false
      }
    })
}

/** Who the server runs as: it refuses to be root. */
function owner(): { readonly uid?: number; readonly gid?: number } {
  if (process.getuid?.() !== 0) return {}
  const [uid, gid] = ['-u', '-g'].map((what) =>
    Number(spawnSync('id', [what, 'postgres'], { encoding: 'utf8' }).stdout),
  )
  return { uid: uid!, gid: gid! }
}

/** Why there is no server to test against; `false` where there is. */
export const noPostgres: string | false =
  programOf('initdb') === undefined || programOf('postgres') === undefined
    ? 'no PostgreSQL here: apt-get install postgresql'
    : false

/** Why there is no pooler to test against; `false` where there is. */
export const noPooler: string | false =
  noPostgres || (programOf('pgbouncer') === undefined && 'no pgbouncer here: apt-get install pgbouncer')

/** Why there is no server with TLS to test against; `false` where there is. */
export const noTls: string | false =
  noPostgres || (programOf('openssl') === undefined && 'no openssl here: apt-get install openssl')

function certify(folder: string): void {
  const made = spawnSync(
    programOf('openssl')!,
    ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=localhost'].concat([
      '-keyout',
      'server.key',
      '-out',
      'server.crt',
    ]),
    { ...owner(), cwd: folder, encoding: 'utf8' },
  )
  if (made.status !== 0) throw new Error(`openssl: ${made.stderr}`)
}

/** Where the server is, as node-postgres wants it. */
export interface PgAddress {
  readonly host: string
  readonly port: number
  readonly user: string
  readonly database: string
}

/** A server with its data, started and stopped at will. */
export class PgServer {
  readonly address: PgAddress
  readonly #folder: string
  readonly #tls: boolean
  #child: ChildProcess | undefined

  private constructor(folder: string, port: number, tls: boolean) {
    this.#folder = folder
    this.#tls = tls
    this.address = { host: '127.0.0.1', port, user: 'tester', database: 'postgres' }
  }

  /** A new database, with a role `tester` for which nothing is set, running. @param tls with a certificate of its own */
  static async start(tls = false): Promise<PgServer> {
    const folder = mkdtempSync(join(tmpdir(), 'sluice-pg-'))
    const { uid, gid } = owner()
    if (uid !== undefined && gid !== undefined) chownSync(folder, uid, gid)
    const made = spawnSync(
      programOf('initdb')!,
      ['-D', join(folder, 'data'), '-U', 'tester', '-A', 'trust', '--no-sync', '-E', 'UTF8', '--locale=C'],
      { ...owner(), cwd: folder, encoding: 'utf8' },
    )
    if (made.status !== 0) throw new Error(`initdb: ${made.stderr}`)
    if (tls) certify(join(folder, 'data'))
    const server = new PgServer(folder, await freePort(), tls)
    await server.run()
    return server
  }

  /** Of the postmaster. */
  get pid(): number {
    return this.#child!.pid!
  }

  /** The folder of its unix socket. */
  get socket(): string {
    return this.#folder
  }

  async run(): Promise<void> {
    const settings = {
      port: this.address.port,
      listen_addresses: '127.0.0.1',
      unix_socket_directories: this.#folder,
      fsync: 'off',
      ssl: this.#tls ? 'on' : 'off',
      max_connections: 40,
      shared_buffers: '16MB',
    }
    this.#child = spawn(
      programOf('postgres')!,
      [
        '-D',
        join(this.#folder, 'data'),
        ...Object.entries(settings).flatMap(([key, value]) => ['-c', `${key}=${value}`]),
      ],
      { ...owner(), cwd: this.#folder, stdio: 'ignore' },
    )
    // Whatever becomes of this process, the server ends with it.
    process.once('exit', this.#kill)
    const ready = programOf('pg_isready')!
    for (let tries = 0; tries < 200; tries++) {
      const asked = spawnSync(ready, ['-q', '-h', '127.0.0.1', '-p', String(this.address.port)])
      if (asked.status === 0) return
      await sleep(25)
    }
    throw new Error('PostgreSQL did not come up in 5 s')
  }

  /** Fast shutdown: open transactions are rolled back, connections closed. */
  async stop(): Promise<void> {
    const child = this.#child
    this.#child = undefined
    process.off('exit', this.#kill)
    if (child === undefined || child.exitCode !== null) return
    const gone = once(child, 'exit')
    child.kill('SIGINT')
    await gone
  }

  readonly #kill = (): void => {
    this.#child?.kill('SIGQUIT')
    rmSync(this.#folder, { recursive: true, force: true })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
    rmSync(this.#folder, { recursive: true, force: true })
  }
}

/** A pgbouncer before a server, that gives each transaction whichever session is free. */
export class PgPooler {
  readonly address: PgAddress
  readonly #folder: string
  readonly #child: ChildProcess

  private constructor(folder: string, address: PgAddress) {
    this.#folder = folder
    this.address = address
    this.#child = spawn(programOf('pgbouncer')!, ['-q', join(folder, 'pooler.ini')], { ...owner(), stdio: 'ignore' })
  }

  static async start(server: PgAddress): Promise<PgPooler> {
    const folder = mkdtempSync(join(tmpdir(), 'sluice-pooler-'))
    const port = await freePort()
    const { uid, gid } = owner()
    if (uid !== undefined && gid !== undefined) chownSync(folder, uid, gid)
    const lines = [
      '[databases]',
      `* = host=${server.host} port=${server.port}`,
      '[pgbouncer]',
      'listen_addr = 127.0.0.1',
      `listen_port = ${port}`,
      'auth_type = any',
      'unix_socket_dir =',
      'pool_mode = transaction',
      'default_pool_size = 2',
      `logfile = ${join(folder, 'log')}`,
    ]
    // `any` logs everybody in as whoever the database line names.
    lines[1] += ` user=${server.user}`
    writeFileSync(join(folder, 'pooler.ini'), `${lines.join('\n')}\n`)
    const pooler = new PgPooler(folder, { ...server, port })
    const ready = programOf('pg_isready')!
    for (let tries = 0; tries < 200; tries++) {
      if (spawnSync(ready, ['-q', '-h', '127.0.0.1', '-p', String(port)]).status === 0) return pooler
      await sleep(25)
    }
    throw new Error('pgbouncer did not come up in 5 s')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      const gone = once(this.#child, 'exit')
      this.#child.kill('SIGTERM')
      await gone
    }
    rmSync(this.#folder, { recursive: true, force: true })
  }
}
