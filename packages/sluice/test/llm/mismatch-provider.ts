// More calls than a provider's limit has room for: by the backoff of an SDK, and through a pool. In virtual time.
import { playLoad, type LoadResult } from './pool-load.ts'
import { SCENES } from './pool-scenes.ts'
import type { ProviderModel } from './provider-model.ts'

export interface ProviderRun {
  readonly result: LoadResult
  /** 429s, and calls served, in each second. */
  readonly refused: readonly number[]
  readonly served: readonly number[]
}

const SECONDS = 120

export async function playProvider(strategy: 'pool' | 'sdk'): Promise<ProviderRun> {
  const served: number[] = []
  let provider: ProviderModel | undefined
  let began = 0
  const result = await playLoad({
    scene: SCENES['openai']!,
    processes: 1,
    callers: 80,
    strategy,
    warmUp: 60_000,
    duration: (SECONDS - 60) * 1000,
    seed: 3,
    made: (_, clock, model) => {
      provider = model
      began = clock.now()
      let before = 0
      const look = (): void => {
        served.push(model.served - before)
        before = model.served
        clock.after(1000, look)
      }
      clock.after(1000, look)
    },
  })
  const refused = Array.from({ length: SECONDS }, () => 0)
  for (const at of provider?.refusals ?? []) {
    const second = Math.floor((at - began) / 1000)
    if (second < SECONDS) refused[second]!++
  }
  return { result, refused, served }
}
