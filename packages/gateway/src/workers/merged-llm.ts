import type { LlmView } from '../live/index.ts'
import { each, isSome, most, total } from './merging.ts'

/** The doors of several workers as one; `null` where there is none. Percentiles are those of whichever worker is slowest. */
export function mergedLlm(views: readonly LlmView[]): LlmView | null {
  if (!isSome(views)) return null
  const [first] = views
  const all = views.map((llm) => ({ ...llm, ...llm.held }))
  const counts = (field: 'refused' | 'upstreamRefused' | 'departed' | 'overflowed'): LlmView['refused'] =>
    each(
      views,
      field,
      ({ what }) => what,
      (same) => ({ ...same[0], count: total(same, 'count') }),
    )
  return {
    ...first,
    input: total(views, 'input'),
    output: total(views, 'output'),
    first50: most(views, 'first50'),
    first99: most(views, 'first99'),
    gap50: most(views, 'gap50'),
    gap99: most(views, 'gap99'),
    inflight: total(views, 'inflight'),
    inflightTokens: total(views, 'inflightTokens'),
    held: {
      count: all.reduce((sum, { count }) => sum + count, 0),
      bytes: all.reduce((sum, { bytes }) => sum + bytes, 0),
      tokens: all.reduce((sum, { tokens }) => sum + tokens, 0),
    },
    bands: each(
      views,
      'bands',
      ({ priority }) => String(priority),
      (bands) => ({
        ...bands[0],
        waiting: total(bands, 'waiting'),
        wait50: most(bands, 'wait50'),
        wait99: most(bands, 'wait99'),
      }),
    ),
    refused: counts('refused'),
    upstreamRefused: counts('upstreamRefused'),
    departed: counts('departed'),
    overflowed: counts('overflowed'),
    error: {
      input: Math.max(...views.map(({ error }) => error.input)),
      output: Math.max(...views.map(({ error }) => error.output)),
    },
    servers: each(
      views,
      'servers',
      ({ server }) => server,
      (servers) => ({
        ...servers[0],
        inflight: total(servers, 'inflight'),
        tokens: total(servers, 'tokens'),
        firstTokens: total(servers, 'firstTokens'),
      }),
    ),
    models: each(
      views,
      'models',
      ({ provider, model }) => `${provider} ${model}`,
      (models) => ({
        ...models[0],
        inflight: total(models, 'inflight'),
        queued: total(models, 'queued'),
        status429: total(models, 'status429'),
        heldFor: most(models, 'heldFor'),
        breaker: models.find(({ breaker }) => breaker === 'open')?.breaker ?? models[0].breaker,
        ramp: Math.min(...models.map(({ ramp }) => ramp)),
        budgets: each(
          models,
          'budgets',
          ({ budget }) => budget,
          (budgets) => ({
            ...budgets[0],
            told: most(budgets, 'told'),
            left: least(budgets.map(({ left }) => left)),
            available: Math.min(...budgets.map(({ available }) => available)),
            utilization: total(budgets, 'utilization'),
            drift: Math.min(...budgets.map(({ drift }) => drift)),
          }),
        ),
      }),
    ),
  }
}

/** Of those that know it; -1: nobody does. */
function least(values: readonly number[]): number {
  const known = values.filter((value) => value >= 0)
  return known.length === 0 ? -1 : Math.min(...known)
}
