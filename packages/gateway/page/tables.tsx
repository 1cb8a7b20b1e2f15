import type { JSX } from 'preact'
import type { Snapshot } from '../src/live/snapshot.ts'
import { bytes, clock, lasting, limit, ms, number, percent } from '../src/live/format.ts'
import { Table } from './table.tsx'

/** How an upstream speaks of its load. */
const LINKS = { silent: 'silent', heard: '● heard', broken: '■ link broken' } as const

/** Everything that is no chart. Tables that can have nothing to say here are left out. */
export function Tables({ snapshot }: { readonly snapshot: Snapshot }): JSX.Element {
  const { lanes, tenants, upstreams, fleet, limits, instances, cache, degradation, plan, uptime } = snapshot
  return (
    <div class="tables">
      <Rejections snapshot={snapshot} />
      <Table
        caption="Lanes"
        empty="Nobody came of late."
        rows={lanes}
        columns={[
          { name: 'lane', of: ({ lane }) => lane },
          { name: 'sure of', of: ({ share }) => percent(share), figure: true },
          { name: 'offered/s', of: ({ offered }) => number(offered), figure: true },
          { name: 'admitted/s', of: ({ admitted }) => number(admitted), figure: true },
          { name: 'turned away/s', of: ({ rejected }) => number(rejected), figure: true },
          { name: 'p99', of: ({ p99 }) => ms(p99), figure: true },
        ]}
      />
      <Table
        caption="Tenants who ask most"
        empty="Nobody came yet, or nobody is told apart: see tenants in the configuration."
        rows={tenants}
        columns={[
          { name: 'tenant', of: ({ tenant }) => <code>{tenant}</code> },
          { name: 'offered/s', of: ({ offered }) => number(offered), figure: true },
          { name: 'turned away/s', of: ({ rejected }) => number(rejected), figure: true },
          { name: 'of all', of: ({ share }) => percent(share), figure: true },
        ]}
      />
      <Table
        caption="Limits"
        empty="No limit: everybody is let in."
        rows={limits}
        columns={[
          { name: 'limit', of: ({ name }) => name },
          { name: 'kind', of: ({ kind, scope, per }) => `${kind}, ${scope}${per === 'tenant' ? ', per tenant' : ''}` },
          { name: 'at most', of: (row) => limit(row.limit), figure: true },
          { name: 'in flight', of: ({ inflight }) => limit(inflight), figure: true },
          { name: 'waiting', of: ({ queued }) => limit(queued), figure: true },
          { name: 'pressure', of: ({ pressure }) => percent(pressure * 100), figure: true },
        ]}
      />
      <Table
        caption="Instances"
        empty=""
        rows={instances}
        columns={[
          { name: 'instance', of: ({ name }) => name },
          { name: 'how many', of: ({ count }) => number(count), figure: true },
          { name: 'in flight', of: ({ inflight }) => limit(inflight), figure: true },
          { name: 'waiting', of: ({ queued }) => limit(queued), figure: true },
          { name: 'held', of: ({ held }) => limit(held), figure: true },
        ]}
      >
        <p class="note">
          Plan {plan.hash} from {plan.file ?? 'flags'}, taken over {plan.loads === 1 ? 'once' : `${plan.loads} times`};
          up {lasting(uptime)}. This process: {snapshot.process.pid}, Node {snapshot.process.node},{' '}
          {bytes(snapshot.process.rss)} resident, {percent(snapshot.process.loop * 100)} of its loop busy.
          {degradation.length > 0 && ` Given up now: ${degradation.join(', ')}.`}
          {cache !== null &&
            ` Cache: ${number(cache.entries)} answers, ${bytes(cache.bytes)} of ${bytes(cache.maxBytes)}.`}
        </p>
      </Table>
      <Table
        caption="Upstreams"
        broad
        empty="No upstream."
        rows={upstreams}
        columns={[
          { name: 'upstream', of: ({ upstream }) => upstream },
          { name: 'server', of: ({ server }) => <code>{server}</code> },
          { name: 'state', of: ({ healthy, because }) => (healthy ? '● well' : `■ ${because}`) },
          { name: 'in flight', of: ({ inflight }) => number(inflight), figure: true },
          { name: 'weight', of: ({ weight }) => number(weight), figure: true },
          { name: 'says of itself', of: ({ told }) => (told < 0 ? '–' : percent(told * 100)), figure: true },
          {
            name: 'pressure',
            of: ({ link, narrowed }) => `${LINKS[link]}${narrowed < 0 ? '' : `, at most ${number(narrowed)}`}`,
          },
          { name: 'answered', of: ({ answered }) => number(answered), figure: true },
          { name: 'failed', of: ({ failed }) => number(failed), figure: true },
          { name: 'breaker', of: ({ breaker }) => breaker ?? '–' },
        ]}
      />
      {fleet.length > 0 && (
        <Table
          caption="Shared with the fleet"
          broad
          empty=""
          rows={fleet}
          columns={[
            { name: 'limit', of: (row) => row.limit },
            {
              name: 'store',
              of: ({ up, trouble, learning }) => (up ? (learning ? '◐ learning' : '● there') : `■ ${trouble}`),
            },
            { name: 'if gone', of: ({ policy, policyInForce }) => (policyInForce ? `▲ ${policy}, now` : policy) },
            { name: 'instances', of: ({ sessions }) => limit(sessions), figure: true },
            { name: 'in use', of: ({ used, total }) => `${limit(used)} of ${limit(total)}`, figure: true },
            { name: 'held here', of: ({ held }) => limit(held), figure: true },
            { name: 'waiting', of: ({ waiting }) => limit(waiting), figure: true },
            {
              name: 'by lane',
              of: ({ lanes }) => lanes.map(({ lane, waiting }) => `${lane} ${number(waiting)}`).join(', ') || '–',
            },
            { name: 'longest', of: ({ oldest }) => (oldest < 0 ? '–' : ms(oldest)), figure: true },
            { name: 'lapses', of: ({ lapses }) => number(lapses), figure: true },
          ]}
        />
      )}
    </div>
  )
}

function Rejections({ snapshot: { rejections } }: { readonly snapshot: Snapshot }): JSX.Element {
  return (
    <Table
      caption="The last refusals"
      broad
      empty="Nobody has been turned away."
      rows={rejections}
      columns={[
        { name: 'time', of: ({ at }) => clock(at) },
        { name: 'request', of: ({ method, path }) => <code>{`${method} ${path}`}</code> },
        { name: 'because', of: ({ because }) => because },
        { name: 'lane', of: ({ lane }) => lane },
        { name: 'tenant', of: ({ tenant }) => (tenant === '' ? '–' : <code>{tenant}</code>) },
        { name: 'waited', of: ({ waited }) => ms(waited), figure: true },
        { name: 'status', of: ({ status }) => status, figure: true },
        { name: 'come back', of: ({ retryAfter }) => (retryAfter < 0 ? 'never' : `${retryAfter} s`), figure: true },
      ]}
    />
  )
}
