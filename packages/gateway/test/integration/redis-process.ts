// A real redis-server of a test's own: on a free port of loopback, keeping nothing.
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { accessSync, constants, mkdtempSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePort } from './free-port.ts'

const program = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/bin', '/usr/local/bin']
  .map((folder) => join(folder, 'redis-server'))
  .find((path) => {
    try {
      accessSync(path, constants.X_OK)
      return true
    } catch {
      return false
    }
  })

/** Why tests that need Redis are skipped, or `false`. */
export const noRedis: string | false = program === undefined ? 'redis-server is not installed' : false

export class RedisProcess {
  readonly port: number
  readonly #folder = mkdtempSync(join(tmpdir(), 'sluice-gateway-redis-'))
  #child: ChildProcess | undefined

  private constructor(port: number) {
    this.port = port
  }

  static async start(): Promise<RedisProcess> {
    const server = new RedisProcess(await freePort())
    await server.start()
    return server
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`
  }

  /** Starts it (again): on the same port, and empty. */
  async start(): Promise<void> {
    const keeps = ['--save', '', '--appendonly', 'no', '--dir', this.#folder]
    this.#child = spawn(program!, ['--port', `${this.port}`, '--bind', '127.0.0.1', ...keeps], { stdio: 'ignore' })
    for (let i = 0; !(await answers(this.port)); i++) {
      if (i > 500) throw new Error('redis-server does not answer')
      await sleep(10)
    }
  }

  /** Ends it at once: everything is lost. */
  async kill(): Promise<void> {
    const child = this.#child
    this.#child = undefined
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    const gone = once(child, 'exit')
    child.kill('SIGKILL')
    await gone
  }

  async stop(): Promise<void> {
    await this.kill()
    rmSync(this.#folder, { recursive: true, force: true })
  }
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => socket.write('PING\r\n'))
    socket.setTimeout(1000, () => socket.destroy())
    socket.once('data', () => {
      resolve(true)
      socket.destroy()
    })
    socket.once('error', () => resolve(false)).once('close', () => resolve(false))
  })
}
