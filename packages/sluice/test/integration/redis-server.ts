import { spawn, type ChildProcess } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect, createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { missing, redisProgram, until } from './broker-servers.ts'

const CONFIGURATION = 'sentinel.conf'

/** Why tests that need Redis are skipped, or `false`. */
export const noRedis: string | false = missing(['redis-server', redisProgram])

/** A real Redis of a test's own, on a free port of loopback, which keeps nothing unless it is told to. */
export class RedisServer {
  readonly port: number
  /** Where it may leave files: its own, removed in the end. */
  readonly folder: string
  readonly #more: readonly string[]
  #child: ChildProcess | undefined

  private constructor(port: number, more: readonly string[]) {
    this.port = port
    this.folder = mkdtempSync(join(tmpdir(), 'sluice-redis-'))
    this.#more = more
  }

  /** `more`: what else it is started with, such as `--cluster-enabled yes`. */
  static async start(...more: readonly string[]): Promise<RedisServer> {
    const server = new RedisServer(await freePort(), more)
    await server.start()
    return server
  }

  /** One that watches others. */
  static async sentinel(...lines: readonly string[]): Promise<RedisServer> {
    const server = new RedisServer(await freePort(), ['--sentinel'])
    writeFileSync(join(server.folder, CONFIGURATION), [...lines, ''].join('\n'))
    await server.start()
    return server
  }

  /** Starts it (again), on the same port, with what it last wrote to its folder. */
  async start(): Promise<void> {
    const own = ['--port', `${this.port}`, '--bind', '127.0.0.1', '--dir', this.folder]
    const args = this.#more.includes('--sentinel')
      ? [join(this.folder, CONFIGURATION), ...own, ...this.#more]
      : [...own, '--save', '', '--appendonly', 'no', ...this.#more]
    this.#child = spawn(redisProgram!, args, { stdio: 'ignore' })
    await until('redis-server answers', () => answers(this.port))
  }

  /** `SIGKILL` loses everything, `SIGSTOP` and `SIGCONT` freeze and thaw. */
  signal(signal: NodeJS.Signals): void {
    this.#child?.kill(signal)
  }

  /** Ends it at once: everything since it last saved is lost. */
  async kill(): Promise<void> {
    const child = this.#child
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    const gone = new Promise((resolve) => child.once('exit', resolve))
    child.kill('SIGKILL')
    await gone
  }

  /** What it saved is lost as well: it starts empty. */
  forget(): void {
    rmSync(join(this.folder, 'dump.rdb'), { force: true })
  }

  async stop(): Promise<void> {
    await this.kill()
    rmSync(this.folder, { recursive: true, force: true })
  }
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.setTimeout(1000, () => socket.destroy())
    socket.once('data', () => resolve(true)).once('close', () => resolve(false))
    socket.once('error', () => resolve(false)).once('connect', () => socket.write('PING\r\n'))
    socket.once('data', () => socket.destroy())
  })
}
