import { simulate } from 'sluice/sim'
import { gateMaker } from '../contenders.mjs'
import { seconds } from '../figures.mjs'
import { plantOf } from '../plants.mjs'

const PLACES = ['16 × 50 ms', '16 × 50 ms, thrashing', 'event loop', '16 × heavy-tailed', '20 × 50 ms, constant']
/** What sets it off. */
const TRIGGERS = ['burst', 'slower', 'quarter']
/** Clients who try again at once, whatever happened, and how long each waits. */
const CLIENTS = [
  { times: 0.8, timeout: 500, most: 10, onLeave: 'release' },
  { times: 0.9, timeout: 1000, most: 4, onLeave: 'hold' },
]
const CALM = 15_000
const TRIGGER = 5000
const AFTER = 25_000
/** A stretch in which chance is below one in twenty. */
const STRETCH = 10
const GOOD = 0.95

/** The thirty. */
export const STORMS = PLACES.flatMap((place) =>
  TRIGGERS.flatMap((trigger) => CLIENTS.map((clients) => ({ place, trigger, clients }))),
)

function scenarioOf({ place, trigger, clients }) {
  const plant = plantOf(place)
  const { times, timeout, most, onLeave } = clients
  const phases = [
    { lasts: CALM, times },
    { lasts: TRIGGER, times: trigger === 'burst' ? 5 : times },
    { lasts: AFTER, times },
  ]
  const change = { slower: { slowdown: 4 }, quarter: plant.quarter }[trigger]
  return {
    name: `${place}, ${trigger}, ${most} retries`,
    plant: plant.data,
    load: { phases },
    clients: { timeout, onLeave, retries: { most } },
    ...(change && { changes: [{ at: CALM, lasts: TRIGGER, ...change }] }),
  }
}

/** When, in s after the end of the trigger, a stretch begins in which nearly everybody gets an answer. */
export function stormEnds(storm, make, seed) {
  const scenario = scenarioOf(storm)
  const { series } = simulate(scenario, { seed, gate: make })
  const wanted = GOOD * storm.clients.times * plantOf(storm.place).capacity * STRETCH
  const begin = (CALM + TRIGGER) / 1000
  for (let at = begin; at + STRETCH <= series.points.length; at++) {
    const good = series.points.slice(at, at + STRETCH).reduce((sum, point) => sum + point.good, 0)
    if (good >= wanted) return at - begin
  }
  return Infinity
}

/** So many that do not end in time are named. */
const NAMED = 6
const IN_TIME = 5

/** Of thirty retry storms: how many are over within 5 s, how long the slowest takes in s, and which are not over. */
export function storms({ limit, queue, seeds }) {
  const make = limit === 'nobody' ? () => undefined : gateMaker(limit, queue)
  const times = STORMS.map((storm, index) => stormEnds(storm, make, seeds[index % seeds.length]))
  const late = STORMS.flatMap((storm, index) =>
    times[index] > IN_TIME ? [`${scenarioOf(storm).name}, seed ${seeds[index % seeds.length]}`] : [],
  )
  const named = [...late.slice(0, NAMED), ...(late.length > NAMED ? ['…'] : [])].join('; ')
  return [String(STORMS.length - late.length), seconds(Math.max(...times)), named === '' ? 'none' : named]
}
