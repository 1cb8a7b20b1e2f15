import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { ChildLoad, ChildMessage, ChildOrder, ChildRole } from './child-message.ts'

/** A part of the demo in a process of its own, so that no part waits for another one's event loop. */
export interface Child {
  readonly pid: number
  readonly port: number
  /** Of a gateway; else 0. */
  readonly adminPort: number
  /** Tells an upstream how to be from now on. */
  order(order: ChildOrder): void
  /** As last told, at most a quarter of a second ago. */
  readonly load: ChildLoad
  /** Settles when the process is gone, whoever ended it, with one sentence about it. */
  readonly gone: Promise<string>
  /** Ends the process and waits until it is gone. Idempotent. */
  stop(): Promise<void>
}

/**
 * Starts one part and waits until it listens.
 * @throws Error when it cannot
 */
export async function startChild(role: ChildRole): Promise<Child> {
  const child = fork(fileURLToPath(new URL('./child-main.js', import.meta.url)), [JSON.stringify(role)], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
  const gone = new Promise<string>((resolve) => {
    child.once('exit', (code, signal) => resolve(`the ${role.role} ended with ${signal ?? `code ${code}`}`))
    child.once('error', (error) => resolve(`the ${role.role} could not start: ${error.message}`))
  })
  const stop = async (): Promise<void> => {
    // Nothing in it is worth an orderly end.
    child.kill('SIGKILL')
    await gone
  }
  let load: ChildLoad = { inflight: 0, queued: 0 }
  try {
    const { port, adminPort } = await new Promise<{ port: number; adminPort: number }>((resolve, reject) => {
      child.on('message', (message: ChildMessage) => {
        if ('port' in message) resolve(message)
        else if ('load' in message) load = message.load
        else reject(new Error(`the ${role.role} could not start: ${message.error}`))
      })
      void gone.then((why) => reject(new Error(why)))
    })
    return {
      pid: child.pid!,
      port,
      adminPort,
      // One that has just gone has nothing to be told.
      order: (order) => void child.send(order, () => {}),
      get load() {
        return load
      },
      gone,
      stop,
    }
  } catch (error) {
    await stop()
    throw error
  }
}
