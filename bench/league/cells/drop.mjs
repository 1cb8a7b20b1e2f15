import { simulate } from 'sluice/sim'
import { gateMaker } from '../contenders.mjs'
import { median, seconds } from '../figures.mjs'
import { boundOf } from '../plants.mjs'

/** Times are looked at so far apart, in ms. */
const GRID = 250
/** The clock of a simulation begins here, in ms. */
const ORIGIN = 1000
/** A second says little about a plant that answers five times in one: so many answers at least. */
const ANSWERS = 40
/** Good again: so much of what can be done, and 95 % of the answers within so many times the oracle's p99. */
const DOWN = { goodput: 0.85, latency: 1.8 }
const UP = 0.9

/**
 * At 2×, capacity falls to a quarter and returns: after how many seconds a stretch of a second begins that is good
 * again, each time.
 * @param p99 that of the oracle at 2×, in ms
 */
export function drop({ plant, limit, queue, seeds, p99 }) {
  const [before, down, up] = plant.course.map((part) => part * 1000)
  const scenario = {
    name: `${plant.name}, capacity to a quarter`,
    plant: plant.data,
    bound: boundOf(plant),
    load: { phases: [{ lasts: before + down + up, times: 2 }] },
    changes: [{ at: before, lasts: down, ...plant.quarter }],
  }
  const stretch = Math.max(1000, Math.ceil((ANSWERS * 1000) / (plant.capacity / 4) / GRID) * GRID)
  const slower = plant.quarter.slowdown ?? 1
  const times = seeds.map((seed) => {
    const answers = answersOf(scenario, seed, gateMaker(limit, queue))
    const from = (begin, end, goodput, latency) => {
      const enough = (goodput * plant.capacity * stretch) / 1000
      for (let at = begin; at + stretch <= end; at += GRID) {
        const took = answers.filter((each) => each.at > at && each.at <= at + stretch).map((each) => each.took)
        const good = took.filter((each) => each <= scenario.bound).length
        if (good >= enough && p95(took) <= latency) return (at - begin) / 1000
      }
      return Infinity
    }
    return [
      from(before, before + down, (DOWN.goodput * plant.left) / 4, DOWN.latency * slower * p99),
      from(before + down, before + down + up, UP, Infinity),
    ]
  })
  return [0, 1].map((part) => seconds(median(times.map((each) => each[part]))))
}

/** Every answer: when, and how long after the attempt. */
function answersOf(scenario, seed, make) {
  const answers = []
  const gate = (world) => {
    const { clock, observer } = world
    const released = ({ since }) => {
      const now = clock.now()
      answers.push({ at: now - ORIGIN, took: now - since })
    }
    return make({ ...world, observer: { ...observer, released } })
  }
  simulate(scenario, { seed, gate })
  return answers
}

function p95(values) {
  return values.toSorted((a, b) => a - b)[Math.floor(0.95 * values.length)] ?? Infinity
}
