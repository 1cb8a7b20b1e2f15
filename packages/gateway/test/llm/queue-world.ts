// The queue before model servers in virtual time: askers, and servers that are nothing but figures.
import { seeded, type Priority, type Random } from 'sluice'
import { VirtualClock } from 'sluice/sim'
import { configOf, type LlmConfig } from '../../src/config/index.ts'
import { InferenceQueue, type Asker, type LineRefusal, type Turn } from '../../src/llm/index.ts'
import type { Upstream } from '../../src/proxy/index.ts'

/** Never asked: turns are all there is here. */
const NOWHERE: Upstream = {
  send: () => {
    throw new Error('nothing is sent in these tests')
  },
  close: () => Promise.resolve(),
}

export function llmConfig(yaml: string): LlmConfig {
  const text = yaml
    .split('\n')
    .map((line) => `  ${line}`)
    .join('\n')
  return configOf('test.yaml', `llm:\n  dialect: openai\n${text}\n`, {}).config.llm!
}

export interface AskerOptions {
  readonly tenant?: string
  readonly priority?: Priority
  readonly input?: number
  readonly maxOutput?: number
  readonly stream?: boolean
  readonly patience?: number
}

/** One who waits, and what it was told. */
export class TestAsker implements Asker {
  readonly tenant: string
  readonly priority: Priority
  readonly size: Asker['size']
  readonly expires: number
  turn: Turn | undefined
  refusal: LineRefusal | undefined
  /** Called when it is told. */
  told: () => void = () => {}

  constructor(now: number, options: AskerOptions) {
    const { tenant = 'a', priority = 2, input = 100, maxOutput = 100, stream = true, patience = 60_000 } = options
    this.tenant = tenant
    this.priority = priority
    this.size = { model: 'm', input, maxOutput, stream }
    this.expires = now + patience
  }

  granted(turn: Turn): void {
    this.turn = turn
    this.told()
  }

  refused(refusal: LineRefusal): void {
    this.refusal = refusal
    this.told()
  }
}

export class QueueWorld {
  readonly clock: VirtualClock = new VirtualClock(5000)
  readonly random: Random
  readonly queue: InferenceQueue
  /** Which servers are well. */
  readonly fit: boolean[]

  constructor(yaml = '', servers = 1, seed = 1) {
    this.random = seeded(seed)
    this.fit = Array.from({ length: servers }, () => true)
    const { fit } = this
    const members = fit.map((_, at) => ({
      upstream: { ...NOWHERE },
      weight: 1,
      get isFit() {
        return fit[at]!
      },
    }))
    this.queue = new InferenceQueue({ config: llmConfig(yaml), members, clock: this.clock, random: this.random })
  }

  ask(options: AskerOptions = {}): TestAsker {
    const asker = new TestAsker(this.clock.now(), options)
    this.queue.enter(asker)
    return asker
  }
}
