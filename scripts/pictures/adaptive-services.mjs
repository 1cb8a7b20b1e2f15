// What the default limiter makes of services of many kinds.
import { limiter } from 'sluice'
import { shares } from './bars.mjs'
import { picture } from './chart.mjs'
import { Plant, quantile, Rate, spread, Stage } from './stage.mjs'

const exponential = (random, typical) => () => -Math.log(1 - random()) * typical
const SERVICES = [
  { label: '20 × always 50 ms', slots: 20, mean: 50, service: () => () => 50 },
  { label: '20 × about 50 ms', slots: 20, mean: 50, service: (random) => spread(random, 50) },
  { label: '200 × about 100 ms', slots: 200, mean: 100, service: (random) => spread(random, 100) },
  { label: '16 × about 5 ms', slots: 16, mean: 5, service: (random) => spread(random, 5) },
  { label: '1 × always 20 ms', slots: 1, mean: 20, service: () => () => 20 },
  { label: '4 × 200 ms, random', slots: 4, mean: 200, service: (random) => exponential(random, 200) },
  { label: '20 × 10 or 500 ms', slots: 20, mean: 34.5, service: (random) => () => (random() < 0.05 ? 500 : 10) },
]
const LOADS = [
  { times: 1.2, color: 2 },
  { times: 2, color: 0 },
  { times: 10, color: 1 },
]

/** What share of its capacity a service is kept useful for, and how long the slowest hundredth takes. */
function kept({ slots, mean: typical, service }, times) {
  const stage = new Stage(3)
  const { clock, random } = stage
  const plant = new Plant(stage, slots, service(random))
  const gate = limiter({ clock, random })
  const capacity = (slots / typical) * 1000
  const good = new Rate(stage)
  const ends = []
  stage.load(
    () => capacity * times,
    () => {
      const due = clock.now()
      gate.enter({}, (verdict) => {
        if (!verdict.admitted) return
        plant.work(() => {
          verdict.release('success')
          const took = clock.now() - due
          if (stage.time >= 3) ends.push(took)
          if (took <= Math.max(1000, 10 * typical)) good.add()
        })
      })
    },
  )
  stage.play(23)
  return { share: good.count(3, 23) / 20 / capacity, p99: Math.round(quantile(ends, 0.99)) }
}

/** The picture and its figures. */
export function services() {
  const groups = SERVICES.map((service) => {
    const runs = LOADS.map(({ times }) => kept(service, times))
    return { label: service.label, values: runs.map(({ share }) => share), p99: runs.map(({ p99 }) => p99) }
  })
  const svg = picture({
    title: 'limiter(): how much of its capacity a service is kept useful for',
    description:
      'Near all of it for services of even or moderately spread times, less at few slots with random times and where one in twenty takes fifty times as long.',
    panels: [
      shares({
        heading: 'Answers within 1 s, (2 s before 200 ms), as a share of capacity; 20 s after 3 s to settle',
        series: LOADS.map(({ times, color }) => ({ label: `load ${times}×`, color })),
        groups,
      }),
    ],
  })
  return {
    name: 'adaptive-services',
    svg,
    numbers: [
      ['', `kept at ${LOADS.map(({ times }) => `${times}×`).join(', ')}; p99 ms`],
      ...groups.map(({ label, values, p99 }) => [
        label,
        `${values.map((value) => value.toFixed(3)).join(', ')}; ${p99.join(', ')}`,
      ]),
    ],
  }
}
