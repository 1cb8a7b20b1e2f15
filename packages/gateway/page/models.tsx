import type { JSX } from 'preact'
import type { LlmBudgetView, LlmCountView, LlmModelView, LlmView } from '../src/live/llm-snapshot.ts'
import { bytes, limit, ms, number, percent } from '../src/live/format.ts'
import { Table } from './table.tsx'
import { Figures, type Figure } from './figures.tsx'

/** What limits of a provider are called here. */
const BUDGETS: Readonly<Record<string, string>> = {
  requests: 'requests',
  requestsDaily: 'requests a day',
  tokens: 'tokens',
  tokensDaily: 'tokens a day',
  input: 'tokens of prompts',
  output: 'tokens of answers',
  money: 'money',
}

/** Priorities, and the lanes that have them. */
const BANDS: readonly string[] = ['0, low', '1', '2, normal', '3, high and critical']

/** The door to language models: what flows, who waits, and what is left at the provider. */
export function Models({ llm }: { readonly llm: LlmView }): JSX.Element {
  const { held, bands, servers, models } = llm
  const figures: readonly Figure[] = [
    ['answered', `${number(llm.output)} tokens/s`],
    ['asked', `${number(llm.input)} tokens/s`],
    ['first token, p50', ms(llm.first50)],
    ['first token, p99', ms(llm.first99)],
    ['between tokens, p50', ms(llm.gap50)],
    ['between tokens, p99', ms(llm.gap99)],
    ['in progress', number(llm.inflight)],
    ['waiting', `${number(held.count)}, ${number(held.tokens)} tokens, ${bytes(held.bytes)}`],
    ['estimates off by', `${off(llm.error.input)} asked, ${off(llm.error.output)} answered`],
  ]
  return (
    <section class="models" aria-label="Language models">
      <h2>Language models</h2>
      <Figures of={figures} />
      {models.map((model) => (
        <Model key={`${model.provider} ${model.model}`} model={model} />
      ))}
      <div class="tables">
        <Table
          caption="Queue by band"
          empty=""
          rows={bands}
          columns={[
            { name: 'band', of: ({ priority }) => BANDS[priority] ?? priority },
            { name: 'waiting', of: ({ waiting }) => number(waiting), figure: true },
            { name: 'waited, p50', of: ({ wait50 }) => ms(wait50), figure: true },
            { name: 'waited, p99', of: ({ wait99 }) => ms(wait99), figure: true },
          ]}
        />
        <Table
          caption="Refused, given up, sent elsewhere"
          empty="Nobody, since the start."
          rows={[
            ...counted('refused here', llm.refused),
            ...counted('refused by the upstream', llm.upstreamRefused),
            ...counted('client left', llm.departed),
            ...counted('another way', llm.overflowed),
          ]}
          columns={[
            { name: 'what', of: ({ kind }) => kind },
            { name: 'cause', of: ({ what }) => what },
            { name: 'calls', of: ({ count }) => number(count), figure: true },
          ]}
        />
        {servers.length > 0 && (
          <Table
            caption="Model servers"
            empty=""
            rows={servers}
            columns={[
              { name: 'server', of: ({ server }) => <code>{server}</code> },
              { name: 'in progress', of: ({ inflight }) => number(inflight), figure: true },
              { name: 'tokens', of: ({ tokens }) => number(tokens), figure: true },
              { name: 'may wait for a first token', of: ({ firstTokens }) => limit(firstTokens), figure: true },
            ]}
          />
        )}
      </div>
    </section>
  )
}

/** A model of a provider: a bar for each of its limits. */
function Model({ model }: { readonly model: LlmModelView }): JSX.Element {
  const { provider, inflight, queued, status429, heldFor, breaker, ramp, budgets } = model
  const said = [
    `${number(inflight)} in progress, ${number(queued)} waiting, ${number(status429)} times 429`,
    heldFor > 0 ? `■ nobody sends for ${ms(heldFor)}` : '',
    ramp < 1 ? `▲ at ${percent(ramp * 100)} of its limits, growing slowly` : '',
    breaker === 'closed' ? '' : `■ breaker ${breaker}`,
  ]
  return (
    <div class="model">
      <h3>
        {provider} · <code>{model.model}</code>
      </h3>
      <p class="note">{said.filter((each) => each !== '').join(' · ')}</p>
      {budgets.map((row) => (
        <Budget key={row.budget} row={row} />
      ))}
    </div>
  )
}

function Budget({ row }: { readonly row: LlmBudgetView }): JSX.Element {
  const { budget, told, left, available, utilization, drift } = row
  const full = told < 0 ? row.limit : told
  const taken = Math.min(1, Math.max(0, 1 - available / full))
  const name = BUDGETS[budget] ?? budget
  const says = left < 0 ? 'the provider says nothing' : `the provider said ${number(left)} left, drift ${number(drift)}`
  return (
    <div class="budget">
      <span>{name}</span>
      <meter value={taken} max={1} low={0.7} high={0.9} optimum={0} aria-label={`${name} taken`} />
      <span class="note">
        {number(available)} of {number(full)} left{told >= 0 && told !== row.limit && `, ${number(row.limit)} declared`}
        ; {percent(utilization * 100)} used from here; {says}
      </span>
    </div>
  )
}

function counted(kind: string, rows: readonly LlmCountView[]): readonly (LlmCountView & { readonly kind: string })[] {
  return rows.map((row) => ({ ...row, kind }))
}

function off(error: number): string {
  return error < 0 ? '–' : percent(error * 100)
}
