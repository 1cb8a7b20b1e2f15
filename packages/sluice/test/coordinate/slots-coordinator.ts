import type { SlotCoordinator, SlotNews, SlotReply, SlotReport } from '../../src/coordinate/index.ts'

interface Asked {
  readonly report: SlotReport
  readonly answer: (reply: SlotReply | Error) => void
}

/** A coordinator that says what a test tells it to, when the test tells it to. */
export class ToldCoordinator implements SlotCoordinator {
  readonly lease = 2000
  readonly asked: Asked[] = []
  listener: ((news: SlotNews) => void) | undefined

  sync(report: SlotReport, answer: (reply: SlotReply | Error) => void): void {
    this.asked.push({ report, answer })
  }

  listen(_session: string, listener: (news: SlotNews) => void): () => void {
    this.listener = listener
    return () => {
      this.listener = undefined
    }
  }

  /** The last report. */
  get report(): SlotReport {
    return this.asked.at(-1)!.report
  }

  /** Answers the last report, or an earlier one counted from the end. */
  answer(reply: Partial<SlotReply> & Pick<SlotReply, 'life' | 'granted'>, back = 1): void {
    this.asked.at(-back)!.answer({ ...QUIET, number: ++this.#number, ...reply })
  }

  fail(): void {
    this.asked.at(-1)!.answer(new Error('no connection'))
  }

  push(news: Partial<SlotNews> & Pick<SlotNews, 'life' | 'granted'>): void {
    this.listener?.({ ...QUIET, number: ++this.#number, ...news })
  }

  #number = 0
}

const QUIET = {
  status: 'ok',
  fence: 0,
  foreign: -1,
  fair: 1,
  shed: [0, 0, 0, 0],
  limit: 10,
  wake: 0,
  sessions: 1,
  used: 0,
  queued: 0,
  level: 0,
  until: 0,
  named: 0,
  turns: [],
  waiters: [0, 0, 0, 0],
  oldest: 0,
  learning: false,
} as const

/** Lets what was promised happen. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await Promise.resolve()
}
