import type { JSX } from 'preact'
import type { StateWord } from '../src/live/snapshot.ts'
import { clock, limit, ms, number, percent } from '../src/live/format.ts'
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
  'dry-run': ['calm', '◌'],
  draining: ['calm', '▽'],
}

/** The state in a word and a sentence, and the figures that are asked for first. */
export function Strip({ live, name }: { readonly live: Live; readonly name?: string }): JSX.Element {
  const { snapshot, silentSince, missed } = live
  if (snapshot === undefined) return <header class="strip calm">waiting for the first figures …</header>
  const { state, because, now } = snapshot
  const silent = silentSince !== undefined
  const [mood, sign] = silent ? (['bad', '✕'] as const) : MOOD[state]
  const figures: readonly Figure[] = [
    ['good', `${number(now.good)}/s`],
    ['turned away', percent(now.shedPercent)],
    ['p50', ms(now.p50)],
    ['p99', ms(now.p99)],
    ['in flight', `${number(now.inflight)} of ${limit(now.limit)}`],
    ['waiting', number(now.queued)],
    ['in use', now.limit < 0 ? '–' : percent(now.utilization)],
  ]
  return (
    <header class={`strip ${mood}`}>
      <div class="state" role="status">
        <strong>
          <span aria-hidden="true">{sign}</span> {silent ? 'not heard' : state.replace('-', ' ')}
        </strong>
        {name !== undefined && <em>{name}</em>}
        <span>
          {silent ? `nothing since ${clock(silentSince)}; trying again` : because}
          {missed > 0 && ` (${missed} seconds without figures)`}
        </span>
      </div>
      <Figures of={figures} />
    </header>
  )
}
