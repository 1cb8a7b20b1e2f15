import { spawn, type ChildProcess } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { createClient } from 'redis'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { missing, redisProgram } from './broker-servers.ts'
import { until } from './waiting.ts'
import { freePort } from './free-port.ts'

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
    const child = spawn(redisProgram!, args, { stdio: 'ignore' })
    this.#child = child
    try {
      await until('redis-server answers', () => {
        if (child.exitCode !== null)
          throw new Error(`redis-server ended with ${child.exitCode}: is ${this.port} taken?`)
        return answers(this.port)
      })
    } catch (error) {
      await this.kill()
      throw error
    }
  }

  /** Sends it one command. Whoever waits for one that has gone would wait for ever. */
  async tell(...command: string[]): Promise<unknown> {
    const socket = { port: this.port, host: '127.0.0.1', connectTimeout: 5000, reconnectStrategy: false } as const
    const client = createClient({ RESP: 2, socket })
    client.on('error', () => {})
    await client.connect()
    try {
      return await client.sendCommand(command)
    } finally {
      client.destroy()
    }
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

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.setTimeout(1000, () => socket.destroy())
    socket.once('data', () => resolve(true)).once('close', () => resolve(false))
    socket.once('error', () => resolve(false)).once('connect', () => socket.write('PING\r\n'))
    socket.once('data', () => socket.destroy())
  })
}
