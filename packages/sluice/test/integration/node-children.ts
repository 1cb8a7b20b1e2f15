// Servers in processes of their own, on any Node, that report when they are asked.
import assert from 'node:assert/strict'
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'

/** The Node of this major version: this one, or the one the test script names. */
export function nodeOf(major: number): string | undefined {
  if (process.versions.node.startsWith(`${major}.`)) return process.execPath
  return process.env[`SLUICE_NODE_${major}`] || undefined
}

/** Whether everything is to be run on every Node, also what proves little more there: `SLUICE_NODE_MATRIX=1`. */
export const wholeMatrix: boolean = process.env['SLUICE_NODE_MATRIX'] !== undefined

/** For `skip` of a test that needs that Node: why it cannot be had. */
export function noNode(major: number): string | false {
  return nodeOf(major) === undefined ? `no Node ${major} here: SLUICE_NODE_${major} is not set` : false
}

/** Asks for a report until it is as it should be, at most 10 s. */
export interface UntilReport<R> {
  (what: string, condition: (report: R) => boolean): Promise<R>
  /** The same with another question. */
  ask(question: string, what: string, condition: (report: R) => boolean): Promise<R>
}

/** Runs `prove` against a script beside this one, which reports when it has begun and whenever it is asked. */
export async function withChild<R>(
  script: string,
  major: number,
  prove: (first: R, until: UntilReport<R>) => Promise<void>,
): Promise<void> {
  const child = fork(new URL(script, import.meta.url), {
    execPath: nodeOf(major)!,
    execArgv: [],
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
  const report = async (): Promise<R> => ((await once(child, 'message')) as [R])[0]
  try {
    const first = await report()
    const ask = async (question: string, what: string, condition: (report: R) => boolean): Promise<R> => {
      for (const end = Date.now() + 10_000; ; await sleep(5)) {
        child.send(question)
        const now = await report()
        if (condition(now)) return now
        assert.ok(Date.now() < end, `waited 10 s in vain for ${what}: ${JSON.stringify(now).slice(0, 300)}`)
      }
    }
    const until = (what: string, condition: (report: R) => boolean): Promise<R> => ask('report', what, condition)
    await prove(first, Object.assign(until, { ask }))
  } finally {
    const exit = child.exitCode === null ? once(child, 'exit') : undefined
    child.kill()
    await exit
  }
}
