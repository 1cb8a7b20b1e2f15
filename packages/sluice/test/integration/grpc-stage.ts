import { setTimeout as sleep } from 'node:timers/promises'
import type { Gate } from '../../src/index.ts'
import { KINDS, type Caller, type OpenCall } from './grpc-loopback.ts'

export const CALLS = 1000
/** As many at once: an HTTP/2 connection takes them, and so does a busy machine. */
export const BATCH = 250

/** Counts handlers at work. */
export class Work {
  live = 0
  most = 0
  started = 0

  /** Notes a handler that began; what it returns, the first of all ends. */
  begin(call: { on(event: 'cancelled', listener: () => void): unknown }): () => void {
    this.started++
    this.live++
    this.most = Math.max(this.most, this.live)
    let ended = false
    const end = (): void => {
      if (!ended) this.live--
      ended = true
    }
    call.on('cancelled', end)
    return end
  }
}

export class Stage {
  readonly gate: Gate
  readonly work: Work
  readonly caller: Caller
  readonly cut: () => void
  readonly statuses: Record<number, number> = {}

  constructor(gate: Gate, work: Work, caller: Caller, cut: () => void) {
    this.gate = gate
    this.work = work
    this.caller = caller
    this.cut = cut
  }

  /** Makes a batch of calls, one kind after the other. */
  open(size: number, options: { readonly open?: boolean; readonly deadline?: () => number } = {}): OpenCall[] {
    return Array.from({ length: size }, (_, index) => {
      const { deadline, ...rest } = options
      const call = this.caller.open(KINDS[index % 4]!, { ...rest, ...(deadline && { deadline: deadline() }) })
      void call.ended.then(({ code }) => (this.statuses[code] = (this.statuses[code] ?? 0) + 1))
      return call
    })
  }

  async until(what: string, condition: () => boolean): Promise<void> {
    for (const end = Date.now() + 10_000; !condition(); await sleep(2)) {
      const { inflight, queued } = this.gate.stats
      if (Date.now() > end) throw new Error(`waited 10 s in vain for ${what}: ${inflight} in flight, ${queued} queued`)
    }
  }

  async batches(
    run: (calls: () => OpenCall[]) => Promise<void>,
    options?: Parameters<Stage['open']>[1],
  ): Promise<void> {
    for (let made = 0; made < CALLS; made += BATCH) await run(() => this.open(BATCH, options))
  }
}
