import type { Metric, Registry } from 'prom-client'
import type { BudgetStatus, ModelStatus } from 'sluice/llm'
import type { DurationCounts, LlmStatus } from '../llm/index.ts'

type Labels = Readonly<Record<string, string | number>>

/** One value as prom-client has it. */
interface Value {
  readonly labels: Labels
  readonly value: number
  readonly metricName?: string
}

/** One metric: what it is called without its prefix, and where its values come from. */
interface Row {
  readonly name: string
  readonly help: string
  readonly type: 'counter' | 'gauge' | 'histogram'
  /** How the figures of several processes of one gateway become one. Default `sum`. */
  readonly together?: 'max' | 'min' | 'average'
  /** @param name of the metric, with its prefix */
  readonly read: (status: LlmStatus, name: string) => readonly Value[]
}

const only = (value: number): readonly Value[] => [{ labels: {}, value }]

/** One value for each of a record, by its key. */
const by = (label: string, counts: Readonly<Record<string, number>>): readonly Value[] =>
  Object.entries(counts).map(([key, value]) => ({ labels: { [label]: key }, value }))

/** Buckets as Prometheus wants them: each counts all that are at most as long. */
function buckets(name: string, { bounds, counts, total }: DurationCounts, labels: Labels = {}): readonly Value[] {
  let count = 0
  const values = counts.map((own, at): Value => {
    count += own
    return { metricName: `${name}_bucket`, labels: { ...labels, le: bounds[at] ?? '+Inf' }, value: count }
  })
  return [
    ...values,
    { metricName: `${name}_sum`, labels, value: total / 1000 },
    { metricName: `${name}_count`, labels, value: count },
  ]
}

/** A figure of each model of a provider. Models are those of the configuration: nobody can add one. */
function models(read: (model: ModelStatus) => number): Row['read'] {
  return ({ models: all }) =>
    all.map((model) => ({ labels: { provider: model.provider, model: model.model }, value: read(model) }))
}

/** A figure of each of its limits, where there is one. */
function budgets(read: (budget: BudgetStatus) => number | undefined): Row['read'] {
  return ({ models: all }) =>
    all.flatMap(({ provider, model, budgets: rows }) =>
      Object.entries(rows).flatMap(([budget, row]) => {
        const value = read(row)
        return value === undefined ? [] : [{ labels: { provider, model, budget }, value }]
      }),
    )
}

const ROWS: readonly Row[] = [
  {
    name: 'calls_total',
    help: 'Calls of models that arrived',
    type: 'counter',
    read: ({ counts }) => only(counts.arrived),
  },
  {
    name: 'answers_total',
    help: 'Calls an answer was begun to',
    type: 'counter',
    read: ({ counts }) => only(counts.admitted),
  },
  {
    name: 'retries_total',
    help: 'Attempts of this gateway beyond the first',
    type: 'counter',
    read: ({ counts }) => only(counts.retried),
  },
  {
    name: 'rejected_total',
    help: 'Calls turned away here, by reason',
    type: 'counter',
    read: ({ counts }) => by('reason', counts.refused),
  },
  {
    name: 'upstream_refusals_total',
    help: 'Refusals of the upstream, by what they mean and by status',
    type: 'counter',
    read: ({ meter }) =>
      [...meter.refusals].flatMap(([is, words]) =>
        [...words].map(([status, value]) => ({ labels: { class: is, status }, value })),
      ),
  },
  {
    name: 'overflow_total',
    help: 'Calls that went another way because they would have waited too long, by that way',
    type: 'counter',
    read: ({ overflowed }) => by('way', { ...overflowed }),
  },
  {
    name: 'departures_total',
    help: 'Clients that left, by where their call stood',
    type: 'counter',
    read: ({ counts: { departed } }) => {
      const { upload, waiting, asked, answering } = departed
      return by('phase', { upload, waiting, asked, answering })
    },
  },
  {
    name: 'stalled_readers_total',
    help: 'Clients cut off because they did not read',
    type: 'counter',
    read: ({ counts }) => only(counts.stalled),
  },
  {
    name: 'tokens_total',
    help: 'Tokens of prompts (input) and answers (output), as counted by the upstream, else as estimated',
    type: 'counter',
    read: ({ meter }) => by('kind', meter.tokens),
  },
  {
    name: 'time_to_first_token_seconds',
    help: 'From the arrival of a call to the first token of its stream, its wait included',
    type: 'histogram',
    read: ({ meter }, name) => buckets(name, meter.firstToken),
  },
  {
    name: 'inter_token_seconds',
    help: 'Between two pieces of a stream',
    type: 'histogram',
    read: ({ meter }, name) => buckets(name, meter.gap),
  },
  {
    name: 'wait_seconds',
    help: 'How long calls that were let in had waited, by priority (3 is the highest)',
    type: 'histogram',
    read: ({ meter }, name) => meter.waits.flatMap((waits, priority) => buckets(name, waits, { priority })),
  },
  {
    name: 'waiting_calls',
    help: 'Waiting for a turn now, by priority',
    type: 'gauge',
    read: ({ waitingBy }) => waitingBy.map((value, priority) => ({ labels: { priority }, value })),
  },
  {
    name: 'active_calls',
    help: 'In progress at the upstream now',
    type: 'gauge',
    read: ({ inflight }) => only(inflight),
  },
  {
    name: 'active_tokens',
    help: 'Tokens in progress at model servers, as expected or as they are',
    type: 'gauge',
    read: ({ tokens }) => only(tokens),
  },
  {
    name: 'queued_bytes',
    help: 'Bytes of bodies that are kept: of calls that wait or may be sent again',
    type: 'gauge',
    read: ({ held }) => only(held.bytes),
  },
  {
    name: 'queued_tokens',
    help: 'Tokens that wait, estimated, expected answers included',
    type: 'gauge',
    read: ({ held }) => only(held.tokens),
  },
  {
    name: 'prediction_error_ratio',
    help: 'By which part of the larger of both prompts (input) and answers (output) differ from what was expected, of late',
    type: 'gauge',
    together: 'average',
    read: ({ meter: { error } }) =>
      (['input', 'output'] as const).flatMap((kind) => {
        const value = error[kind]
        return value === undefined ? [] : [{ labels: { kind }, value }]
      }),
  },
  {
    name: 'server_active_tokens',
    help: 'Tokens in progress at each model server',
    type: 'gauge',
    read: ({ servers }) => servers.map(({ name: server, tokens: value }) => ({ labels: { server }, value })),
  },
  {
    name: 'server_first_token_limit',
    help: 'How many may wait for their first token at each model server',
    type: 'gauge',
    read: ({ servers }) =>
      servers.flatMap(({ name: server, firstTokens: value }) =>
        Number.isFinite(value) ? [{ labels: { server }, value }] : [],
      ),
  },
  {
    name: 'budget_limit',
    help: 'Each limit of a provider: what it says, else what was declared',
    type: 'gauge',
    together: 'max',
    read: budgets(({ told, limit }) => told ?? limit),
  },
  {
    name: 'budget_remaining',
    help: 'What is left of it for all who share it, as far as is known here; below 0 while in debt',
    type: 'gauge',
    together: 'min',
    read: budgets(({ available, held }) => available + held),
  },
  {
    name: 'budget_told_remaining',
    help: 'What the provider last said is left of it',
    type: 'gauge',
    together: 'min',
    read: budgets(({ left }) => left),
  },
  {
    name: 'budget_drift',
    help: 'What the provider said is left, less what is kept free, less what was thought to be: below 0 others use it too',
    type: 'gauge',
    together: 'min',
    read: budgets(({ drift }) => drift),
  },
  {
    name: 'budget_utilization_ratio',
    help: 'What this process uses of it, as a part of the limit, over the last minute',
    type: 'gauge',
    read: budgets(({ utilization }) => utilization),
  },
  {
    name: 'provider_held_seconds',
    help: 'How much longer nobody sends because the provider said so',
    type: 'gauge',
    together: 'max',
    read: models(({ heldFor }) => heldFor / 1000),
  },
  {
    name: 'provider_ramp_ratio',
    help: 'The part of the limits in force while the provider wants slow growth; 1: all of it',
    type: 'gauge',
    together: 'min',
    read: models(({ ramp }) => ramp),
  },
  {
    name: 'provider_up',
    help: '1 while the breaker before a model of a provider is not open',
    type: 'gauge',
    together: 'min',
    read: models(({ breaker }) => Number(breaker !== 'open')),
  },
  {
    name: 'provider_store_up',
    help: '1 while the store of its limits can be reached',
    type: 'gauge',
    together: 'min',
    read: models(({ store }) => Number(store === 'up')),
  },
]

/**
 * Adds the figures of the door to language models to a registry; none of them has a value where there is no such door.
 * @param read whichever door is in force when somebody scrapes
 */
export function llmMetrics(registry: Registry, read: () => LlmStatus | undefined): void {
  // Read once for all of a scrape.
  let taken: { readonly status: LlmStatus | undefined } | undefined
  const once = (): LlmStatus | undefined => {
    if (taken === undefined) setImmediate(() => (taken = undefined))
    return (taken ??= { status: read() }).status
  }
  for (const { name: short, help, type, together: aggregator = 'sum', read: values } of ROWS) {
    const name = `backpressure_llm_${short}`
    const get = (): object => {
      const status = once()
      return { name, help, type, aggregator, values: status === undefined ? [] : values(status, name) }
    }
    // What prom-client asks of a metric; its own classes count themselves, and here everything is counted already.
    const metric = { name, help, type, aggregator, labelNames: [], get, reset: (): void => {} }
    registry.registerMetric(metric as unknown as Metric)
  }
}
