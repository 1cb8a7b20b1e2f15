import type { ModelStatus } from 'sluice/llm'
import type { LlmStatus } from '../llm/index.ts'
import type { LlmBandView, LlmCountView, LlmModelView, LlmView } from './llm-snapshot.ts'

/** What is shown of a door to language models. */
export function llmView(status: LlmStatus): LlmView {
  const { meter, counts, models } = status
  const { flow, over } = meter.lately.sum()
  const perSecond = (count: number): number => rounded((count * 1000) / over)
  return {
    dialect: status.dialect,
    input: perSecond(flow.input),
    output: perSecond(flow.output),
    first50: flow.firstToken.percentile(0.5),
    first99: flow.firstToken.percentile(0.99),
    gap50: flow.gap.percentile(0.5),
    gap99: flow.gap.percentile(0.99),
    inflight: status.inflight,
    inflightTokens: rounded(status.tokens),
    held: status.held,
    bands: status.waitingBy
      .map((waiting, priority): LlmBandView => ({
        priority,
        waiting,
        wait50: flow.waits[priority]!.percentile(0.5),
        wait99: flow.waits[priority]!.percentile(0.99),
      }))
      .reverse(),
    refused: occurred(counts.refused),
    upstreamRefused: [...meter.refusals].flatMap(([is, words]) =>
      [...words].map(([word, count]) => ({ what: `${is} (${word})`, count })),
    ),
    departed: occurred(counts.departed),
    overflowed: occurred(status.overflowed),
    error: { input: known(meter.error.input), output: known(meter.error.output) },
    servers: status.servers.map(({ name, inflight, tokens, firstTokens }) => ({
      server: name,
      inflight,
      tokens: rounded(tokens),
      firstTokens: Number.isFinite(firstTokens) ? firstTokens : -1,
    })),
    models: models.map(modelView),
  }
}

function modelView(model: ModelStatus): LlmModelView {
  const { budgets, provider, inflight, queued, status429, heldFor, breaker, ramp } = model
  return {
    provider,
    model: model.model,
    inflight,
    queued,
    status429,
    heldFor: rounded(heldFor),
    breaker,
    ramp: rounded(ramp),
    budgets: Object.entries(budgets).map(([budget, row]) => ({
      budget,
      limit: row.limit,
      per: row.per,
      told: row.told ?? -1,
      left: row.left ?? -1,
      available: rounded(row.available + row.held),
      utilization: rounded(row.utilization),
      drift: rounded(row.drift ?? 0),
    })),
  }
}

function occurred(counts: Readonly<Record<string, number>>): readonly LlmCountView[] {
  return Object.entries(counts)
    .filter(([, count]) => count > 0)
    .map(([what, count]) => ({ what, count }))
}

function known(value: number | undefined): number {
  return value === undefined ? -1 : rounded(value)
}

function rounded(value: number): number {
  return Math.round(value * 1000) / 1000
}
