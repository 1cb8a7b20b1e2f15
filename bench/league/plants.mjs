/**
 * The services of the league. `lasts` and `settle` (s) are those of a steady run, `course` the parts (s) of one whose
 * capacity falls and returns: long enough for some thousand answers, short where there are thousands a second. `left` is
 * how much of a quarter of the capacity anybody can keep at 2×.
 */
const pool = (name, slots, service, mean, more = {}) => ({
  name,
  data: { kind: 'workers', slots, service },
  mean,
  capacity: (slots * 1000) / mean,
  // One worker cannot become fewer: it becomes slower.
  quarter: slots < 4 ? { slowdown: 4 } : { slots: Math.round(slots / 4) },
  left: 1,
  slower: { slowdown: 4 },
  // Slots are plenty: it is slow, not full.
  dependency: { kind: 'workers', slots: 100_000, service },
  lasts: 25,
  settle: 5,
  course: [20, 15, 10],
  ...more,
})
const gamma = (mean) => ({ kind: 'gamma', mean, cv: 0.6 })
const thrashing = { kind: 'workers', slots: 16, service: gamma(50), thrash: 0.02 }
const loop = { kind: 'event-loop', accept: 0, before: 2, wait: 40, refusal: 0.05, admission: 'yield' }

export const PLANTS = [
  pool('16 × 50 ms', 16, gamma(50), 50),
  pool('16 × 50 ms, thrashing', 16, gamma(50), 50, { data: thrashing }),
  {
    name: 'event loop',
    data: loop,
    mean: 42,
    capacity: 500,
    quarter: { slowdown: 4 },
    // At eight times what is left, refusing takes 7 × 0.2 ms of every 8 ms.
    left: 0.825,
    slower: { wait: 4 },
    dependency: loop,
    lasts: 25,
    settle: 5,
    course: [20, 15, 10],
  },
  pool('16 × bimodal', 16, { kind: 'bimodal', quick: 10, slow: 500, share: 0.05 }, 34.5),
  pool('16 × heavy-tailed', 16, { kind: 'lognormal', mean: 50, cv: 1.5 }, 50),
  pool('1 × 20 ms, constant', 1, 20, 20, { lasts: 40 }),
  pool('4 × 200 ms', 4, gamma(200), 200, { lasts: 60, settle: 10, course: [30, 24, 24] }),
  pool('20 × 50 ms, constant', 20, 50, 50),
  pool('64 × 5 ms', 64, gamma(5), 5, { lasts: 6, settle: 3, course: [6, 5, 5] }),
  pool('200 × 100 ms', 200, gamma(100), 100, { lasts: 12, settle: 4, course: [10, 8, 6] }),
]

export const LOADS = [0.7, 1, 1.2, 2, 5, 10]

/** An answer later than this is not good, in ms. */
export const boundOf = ({ mean }) => Math.max(1000, 10 * mean)

export const plantOf = (name) => PLANTS.find((plant) => plant.name === name)
