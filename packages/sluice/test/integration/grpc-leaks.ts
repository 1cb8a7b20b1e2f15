// Started as a child process, on each Node, by grpc-leaks.test.ts: a gRPC server and its client, and every way a call can
// end. `gated` is the interceptor; `status-only` is what it must not be: it gives its permit back with the status alone.
import { setTimeout as sleep } from 'node:timers/promises'
import { ServerInterceptingCall, type ServerInterceptor } from '@grpc/grpc-js'
import { fifo, semaphore, type Gate } from '../../src/index.ts'
import { serverInterceptor } from '../../src/grpc/index.ts'
import { cable } from './grpc-cable.ts'
import { CELLS, type Cell } from './grpc-cells.ts'
import { Caller, start } from './grpc-loopback.ts'
import { Stage, Work } from './grpc-stage.ts'

/** What a cell came to. */
export interface CellReport {
  readonly cell: string
  readonly calls: number
  /** Permits still held when everybody is gone, and waiters still waiting. */
  readonly leaked: number
  readonly queued: number
  /** The most handlers at work at once, beyond the limit. */
  readonly overAdmitted: number
  /** How often each status came back, by number, and which of them may. */
  readonly statuses: Readonly<Record<number, number>>
  readonly endings: readonly number[]
}

/** The trap: what the interceptor would be if it listened to the handler alone. */
function statusOnly(gate: Gate): ServerInterceptor {
  return (_method, call) => {
    const permit = gate.tryEnter()
    return new ServerInterceptingCall(call, {
      sendStatus: (status, next) => {
        if (permit.admitted) permit.release('success')
        next(status)
      },
    })
  }
}

async function play(cell: Cell, manner: string): Promise<CellReport> {
  const { permits, queue, maxWait = 30_000 } = cell
  const gate = semaphore({
    name: 'cell',
    permits,
    ...(queue > 0 && { queue: fifo({ capacity: queue, maxWait }) }),
  })
  const interceptor = manner === 'gated' ? serverInterceptor({ ...cell.options, gate }) : statusOnly(gate)
  const work = new Work()
  const running = await start(cell.handlers(work), { interceptors: [interceptor] })
  const wire = await cable(running.port)
  const caller = new Caller(wire.port, { 'grpc.enable_retries': 0, 'grpc.initial_reconnect_backoff_ms': 20 })
  const stage = new Stage(gate, work, caller, () => wire.cut())
  try {
    await cell.run(stage)
    // What the server has not read yet it will have read soon; a leak stays.
    for (let tries = 0; tries < 100 && (gate.stats.inflight > 0 || gate.stats.queued > 0); tries++) await sleep(5)
    return {
      cell: cell.name,
      calls: Object.values(stage.statuses).reduce((sum, count) => sum + count, 0),
      leaked: gate.stats.inflight,
      queued: gate.stats.queued,
      overAdmitted: Math.max(0, work.most - permits),
      statuses: stage.statuses,
      endings: cell.endings,
    }
  } finally {
    caller.close()
    await wire.close()
    running.close()
  }
}

async function main(manner: string): Promise<void> {
  const cells = manner === 'gated' ? CELLS : CELLS.filter(({ name }) => name.startsWith('cancelled while served'))
  const reports: CellReport[] = []
  for (const cell of cells) reports.push(await play(cell, manner))
  process.send?.(reports)
  if (process.send === undefined) console.log(JSON.stringify(reports, undefined, 1))
  process.disconnect?.()
}

await main(process.argv[2] ?? 'gated')
