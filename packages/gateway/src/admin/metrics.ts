import { collectDefaultMetrics, Counter, Gauge, Registry } from 'prom-client'
import type { Gate, Tally } from 'sluice'
import { prometheus } from 'sluice/prometheus'
import type { ProxyStats } from '../proxy/index.ts'

/** What `/metrics` tells about: the gate (S3.8), the way to the upstream, the process. Read when somebody scrapes. */
export function metrics(gate: Gate | undefined, tally: Tally, proxy: ProxyStats): Registry {
  const registry = new Registry()
  if (gate !== undefined) prometheus({ registry, gate, tally })
  const active = new Gauge({
    name: 'backpressure_upstream_active_requests',
    help: 'On their way to the upstream now, those that bypass the gate included',
    registers: [],
    collect() {
      this.set(proxy.active)
    },
  })
  registry.registerMetric(active)
  counts('upstream_responses_total', 'Answered by the upstream, by class of status', 'class', () => proxy.answered)
  counts('upstream_failures_total', 'Not answered by the upstream, by reason', 'code', () => proxy.failed)
  counts('client_departures_total', 'Given up because the client had left', undefined, () => ({ '': proxy.departed }))
  collectDefaultMetrics({ register: registry })
  return registry

  function counts(
    name: string,
    help: string,
    label: string | undefined,
    read: () => Readonly<Record<string, number>>,
  ): void {
    const counter = new Counter({
      name: `backpressure_${name}`,
      help,
      labelNames: label === undefined ? [] : [label],
      registers: [],
      collect() {
        this.reset()
        for (const [value, count] of Object.entries(read()))
          this.inc(label === undefined ? {} : { [label]: value }, count)
      },
    })
    registry.registerMetric(counter)
  }
}
