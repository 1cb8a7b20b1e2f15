import type { JSX } from 'preact'
import { orderInWords } from '../src/live/order-in-words.ts'
import type { StateWord } from '../src/live/snapshot.ts'
import { clock, limit, ms, number, percent, turnedAway } from '../src/live/format.ts'
import type { Live } from './live.ts'
import { Figures, type Figure } from './figures.tsx'

/** How bad a state is: its colour, and a sign for those who do not see colours. */
const MOOD: Readonly<Record<StateWord, readonly [mood: string, sign: string]>> = {
  starting: ['calm', '○'],
  ok: ['good', '●'],
  queueing: ['watch', '◐'],
  shedding: ['watch', '▲'],
  'upstream-failing': ['bad', '■'],
  'store-degraded': ['watch', '◆'],
  paused: ['calm', '‖'],
  'dry-run': ['calm', '◌'],
  draining: ['calm', '▽'],
}

/** The state in a word and a sentence, and the figures that are asked for first. */
export function Strip({ live, name }: { readonly live: Live; readonly name?: string }): JSX.Element {
  const { snapshot, silentSince, missed, refused } = live
  const again = refused === 'full' ? 'too many follow this gateway already' : `nothing since ${clock(silentSince ?? 0)}`
  if (snapshot === undefined)
    return (
      <header class="strip calm">
        <span role="status">
          {refused === undefined && silentSince === undefined
            ? 'waiting for the first figures …'
            : `${again}; trying again`}
        </span>
      </header>
    )
  const { state, because, now, orders, dryRun } = snapshot
  const silent = silentSince !== undefined
  const [mood, sign] = silent ? (['bad', '✕'] as const) : MOOD[state]
  const figures: readonly Figure[] = [
    ['good', `${number(now.good)}/s`],
    [turnedAway(dryRun), percent(now.shedPercent)],
    ['p50', ms(now.p50)],
    ['p99', ms(now.p99)],
    ['in flight', `${number(now.inflight)} of ${limit(now.limit)}`],
    ['waiting', number(now.queued)],
    ['in use', now.limit < 0 ? '–' : percent(now.utilization)],
  ]
  return (
    <header class={`strip ${mood}`}>
      <div class="state">
        {/* The word alone is read out when it changes: the sentence changes every second. */}
        <strong role="status">
          <span aria-hidden="true">{sign}</span> {silent ? 'not heard' : state.replace('-', ' ')}
        </strong>
        {name !== undefined && <em>{name}</em>}
        <span>
          {silent ? `${again}; trying again` : because}
          {missed > 0 && ` (${missed} s without figures)`}
        </span>
      </div>
      {orders.length > 0 && (
        <ul class="orders" aria-label="what was ordered">
          {orders.map((order) => (
            <li key={order.kind === 'pause' ? '' : order.limit}>
              ordered: {orderInWords(order)} until {clock(order.until)}
            </li>
          ))}
        </ul>
      )}
      <Figures of={figures} />
    </header>
  )
}
