// `sluice` as a process of its own, the way an operator has it.
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { until } from './proxy-rig.ts'

const MAIN = fileURLToPath(new URL('../../src/cli/main.js', import.meta.url))

export interface Sluice {
  readonly process: ChildProcess
  readonly port: number
  readonly adminPort: number
  out(): string
  err(): string
  /** Settles when it has ended: its exit code, and the signal that ended it if one did. */
  readonly ended: Promise<{ code: number | null; signal: NodeJS.Signals | null }>
  kill(signal: NodeJS.Signals): void
  /** Ends it whatever it does. */
  stop(): Promise<void>
}

/** Starts `sluice run` on free ports and waits until it says that it listens. */
export async function startRun(upstream: number, ...flags: string[]): Promise<Sluice> {
  const fixed = [
    '--upstream',
    `http://127.0.0.1:${upstream}`,
    '--host',
    '127.0.0.1',
    '--port',
    '0',
    '--admin-port',
    '0',
  ]
  const child = launch(['run', ...fixed, ...flags])
  const { port, adminPort } = await ready(child)
  return { ...child, port, adminPort }
}

/** Starts `sluice run` with a file, which should say free ports, and waits until it says that it listens. */
export async function launchRun(...parameters: readonly string[]): Promise<Sluice> {
  const child = launch(['run', ...parameters])
  return { ...child, ...(await ready(child)) }
}

/** Runs `sluice` to its end, which is expected within seconds. */
export async function runToEnd(
  parameters: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<{ code: number | null; out: string; err: string }> {
  const child = launch(parameters, environment)
  const timer = setTimeout(() => child.process.kill('SIGKILL'), 10_000)
  const { code } = await child.ended
  clearTimeout(timer)
  return { code, out: child.out(), err: child.err() }
}

type Launched = Omit<Sluice, 'port' | 'adminPort'>

function launch(parameters: readonly string[], environment: Readonly<Record<string, string>> = {}): Launched {
  const child = spawn(process.execPath, [MAIN, ...parameters], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, NO_COLOR: '1', ...environment },
  })
  let [out, err] = ['', '']
  child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (err += text))
  const ended = once(child, 'close').then(([code, signal]) => ({
    code: code as number | null,
    signal: signal as NodeJS.Signals | null,
  }))
  return {
    process: child,
    out: () => out,
    err: () => err,
    ended,
    kill: (signal) => void child.kill(signal),
    async stop() {
      child.kill('SIGKILL')
      await ended
    },
  }
}

async function ready(child: Launched): Promise<{ port: number; adminPort: number }> {
  try {
    await until('the gateway to listen', () => child.out().includes('\n') || child.process.exitCode !== null, 10_000)
    const [, port, adminPort] = /:(\d+) -> .*:(\d+)\n/.exec(child.out()) ?? []
    if (port === undefined || adminPort === undefined) throw new Error(`no ports in: ${child.out()}${child.err()}`)
    return { port: Number(port), adminPort: Number(adminPort) }
  } catch (error) {
    await child.stop()
    throw error
  }
}

/** Resident memory of a process, in bytes. */
export function residentOf(pid: number): number {
  const [, kilobytes] = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
  return Number(kilobytes) * 1024
}
