import { fork } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'

const MOST = 4

/** Some processes that find lines. */
export class Crew {
  #workers = Array.from({ length: Math.min(MOST, availableParallelism()) }, () =>
    fork(fileURLToPath(new URL('worker.mjs', import.meta.url))),
  )

  /** Tells all of them lines that are known. */
  tell(oracle) {
    for (const worker of this.#workers) worker.send({ oracle })
  }

  /** Finds lines, in any order. @param found called with each, as `{ table, key, cells }` */
  async find(wanted, found) {
    const rest = [...wanted]
    await Promise.all(
      this.#workers.map(async (worker) => {
        for (let line = rest.shift(); line !== undefined; line = rest.shift()) found(await ask(worker, line))
      }),
    )
  }

  /** They end when nobody talks to them any more. */
  dismiss() {
    for (const worker of this.#workers) {
      if (worker.connected) worker.disconnect()
    }
  }
}

function ask(worker, line) {
  return new Promise((resolve, reject) => {
    const answered = (found) => {
      worker.off('exit', died)
      resolve(found)
    }
    const died = (code) => {
      worker.off('message', answered)
      reject(new Error(`league: a worker ended with ${code} over ${line.table}: ${line.key.join(', ')}`))
    }
    worker.once('message', answered)
    worker.once('exit', died)
    worker.send(line)
  })
}
