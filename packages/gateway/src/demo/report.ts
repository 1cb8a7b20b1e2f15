import type { LoadReport } from '../load/index.ts'
import type { Chart, Panel, Report } from '../report/index.ts'
import type { DemoResult } from './demo.ts'

/** The demo as a page to keep: what was judged, and both sides second by second. */
export function demoReport({ plan, verdict, passed, withGate, withoutGate }: DemoResult): Report {
  const { slots, service, capacity } = plan
  const most = 3 * capacity
  return {
    title: 'The same load, with and without a gate',
    text: [
      `Two equal upstreams of ${slots} slots of ${service} ms, which is ${capacity} answers a second, with an endless queue behind.`,
      `Both were offered 0.8 times that, then 3 times, then 0.8 times again. Good is an answer within half a second.`,
    ],
    summary: {
      head: ['', 'judged', 'found'],
      rows: [
        ...verdict.map((check) => [check.passed ? 'PASS' : 'FAIL', check.name, check.detail]),
        [passed ? 'PASS' : 'FAIL', 'verdict', ''],
      ],
    },
    sections: [
      {
        title: 'Second by second',
        panels: [side('with the gate', withGate, capacity, most), side('without', withoutGate, capacity, most)],
      },
    ],
  }
}

function side(title: string, { phases }: LoadReport, capacity: number, yMax: number): Panel {
  const seconds = phases.flatMap((phase) => phase.seconds)
  const line = (label: string, read: (second: (typeof seconds)[number]) => number): Chart['lines'][number] => ({
    label,
    points: seconds.map((second, at) => [at + 1, read(second)]),
  })
  return {
    title,
    charts: [
      {
        title: 'Requests per second',
        y: 'per second',
        yMax,
        mark: { y: capacity, label: 'what can be done' },
        lines: [
          line('offered', ({ offered }) => offered),
          line('good', ({ good }) => good),
          line('turned away', ({ rejected }) => rejected),
          line('given up', ({ timeouts }) => timeouts),
        ],
      },
    ],
  }
}
