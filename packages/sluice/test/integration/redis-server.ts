import { spawn, type ChildProcess } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect, createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { missing, redisProgram, until } from './broker-servers.ts'

/** Why tests that need Redis are skipped, or `false`. */
export const noRedis: string | false = missing(['redis-server', redisProgram])

/** A real Redis of a test's own, on a free port of loopback, which keeps nothing. */
export class RedisServer {
  readonly port: number
  readonly #folder: string
  #child: ChildProcess | undefined

  private constructor(port: number) {
    this.port = port
    this.#folder = mkdtempSync(join(tmpdir(), 'sluice-redis-'))
  }

  static async start(): Promise<RedisServer> {
    const server = new RedisServer(await freePort())
    await server.start()
    return server
  }

  /** Starts it (again), on the same port and empty. */
  async start(): Promise<void> {
    const keeps = ['--save', '', '--appendonly', 'no', '--dir', this.#folder]
    this.#child = spawn(redisProgram!, ['--port', `${this.port}`, '--bind', '127.0.0.1', ...keeps], { stdio: 'ignore' })
    await until('redis-server answers', () => answers(this.port))
  }

  /** `SIGKILL` loses everything, `SIGSTOP` and `SIGCONT` freeze and thaw. */
  signal(signal: NodeJS.Signals): void {
    this.#child?.kill(signal)
  }

  /** Ends it at once: everything is lost. */
  async kill(): Promise<void> {
    const child = this.#child
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    const gone = new Promise((resolve) => child.once('exit', resolve))
    child.kill('SIGKILL')
    await gone
  }

  async stop(): Promise<void> {
    await this.kill()
    rmSync(this.#folder, { recursive: true, force: true })
  }
}

async function freePort(): Promise<number> {
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
