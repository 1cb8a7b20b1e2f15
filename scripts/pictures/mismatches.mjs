import { picture } from './chart.mjs'

/** The scenes are those of the tests: they say what must come out of them, this shows it. */
export async function draw() {
  return [await network(), await spike(), await provider()]
}

async function network() {
  const { playNetwork } = await import('../../packages/sluice/dist/test/llm/mismatch-network.js')
  const runs = [
    { policy: 'nothing', label: 'no bound', color: 1 },
    { policy: 'slow', label: 'the GPU waits', color: 2 },
    { policy: 'disconnect', label: 'too slow for 3 s: sent away', color: 4 },
  ]
  for (const run of runs) Object.assign(run, await playNetwork(run.policy))
  const series = (read, most) =>
    runs.map(({ label, color, points }) => ({
      label,
      kind: 'line',
      color,
      points: points.map((point) => [point.at, Math.min(most, read(point))]),
    }))
  const svg = picture({
    title: 'A GPU that makes 100 tokens a second, and a network that takes 20',
    description:
      'Without a bound most of the answer lies between GPU and client. With a channel of 64 tokens the GPU waits for its reader, or is set free when the reader has been too slow for three seconds.',
    xLabel: 'time, s',
    panels: [
      {
        heading: 'Tokens that lie between the GPU and the client',
        height: 130,
        x: [0, 40],
        y: [1, 2000],
        log: true,
        series: series(({ buffered }) => Math.max(1, buffered), 2000),
      },
      { heading: 'Tokens made', height: 110, x: [0, 40], y: [0, 1600], series: series(({ made }) => made, 1600) },
    ],
  })
  return {
    name: 'mismatch-network',
    svg,
    numbers: runs.map(({ label, most, freed, points }) => [
      label,
      `at most ${most} tokens between; the GPU is free ${freed < 40 ? `after ${freed.toFixed(1)} s` : 'when all is read'}; ${points.at(-1).read} read in 40 s`,
    ]),
  }
}

async function spike() {
  const { playSpike } = await import('../../packages/sluice/dist/test/llm/mismatch-spike.js')
  const runs = [
    { label: 'a queue without an end', bounded: false, color: 1 },
    { label: 'a queue of 20, three ticks at most', bounded: true, color: 2 },
  ]
  for (const run of runs) Object.assign(run, playSpike(run.bounded))
  const x = [0, 300]
  const lines = (read, least) =>
    runs.map(({ label, color, ticks }) => ({
      label,
      kind: 'line',
      color,
      points: ticks.map((tick, at) => [at, Math.max(least, read(tick))]),
    }))
  const svg = picture({
    title: '10, 50, 100 and 200 arrivals a tick against 10 done a tick',
    description:
      'Both do ten a tick. Without a bound the queue grows to thousands and everybody who is answered has waited for hundreds of ticks; with one, who is let in is answered within four.',
    xLabel: 'ticks',
    panels: [
      {
        heading: 'Arrivals in each tick',
        height: 70,
        x,
        y: [0, 220],
        series: [
          { label: 'arrivals', kind: 'step', color: 0, points: runs[0].ticks.map(({ arrived }, at) => [at, arrived]) },
        ],
      },
      {
        heading: 'Who waits, at the end of each tick',
        height: 110,
        x,
        y: [1, 10_000],
        log: true,
        series: lines(({ waiting }) => waiting, 1),
      },
      {
        heading: 'How long those who are answered took, in ticks',
        height: 110,
        x,
        y: [1, 1000],
        log: true,
        series: lines(({ took }) => took, 1),
      },
    ],
  })
  return {
    name: 'mismatch-spike',
    svg,
    numbers: runs.map(({ label, ticks, inTime, tooLate }) => [
      label,
      `at most ${Math.max(...ticks.map(({ waiting }) => waiting))} wait; answered within 5 ticks ${inTime}, later ${tooLate}; slowest ${Math.round(Math.max(...ticks.map(({ took }) => took)))} ticks`,
    ]),
  }
}

async function provider() {
  const { playProvider } = await import('../../packages/sluice/dist/test/llm/mismatch-provider.js')
  const runs = [
    { label: 'the backoff of an SDK', strategy: 'sdk', color: 1 },
    { label: 'a pool', strategy: 'pool', color: 2 },
  ]
  for (const run of runs) Object.assign(run, await playProvider(run.strategy))
  const x = [0, 120]
  const svg = picture({
    title: '400,000 tokens a minute, and 80 callers who always want one more',
    description:
      'With the backoff of an SDK the provider refuses many calls in every second once its bucket is empty; a pool sends each call when there is room, and none is refused.',
    xLabel: 'time, s',
    panels: [
      {
        heading: 'Calls answered with 429, per second',
        height: 110,
        x,
        y: [0, 160],
        series: runs.map(({ label, color, refused }) => ({
          label,
          kind: 'step',
          color,
          points: refused.map((count, at) => [at, count]),
        })),
      },
      {
        heading: 'Calls served, per second, as a mean of ten',
        height: 110,
        x,
        y: [0, 20],
        series: runs.map(({ label, color, served }) => ({ label, kind: 'line', color, points: meanOf(served, 10) })),
      },
    ],
  })
  return {
    name: 'mismatch-provider',
    svg,
    numbers: runs.map(({ label, result, served }) => [
      label,
      `${result.refused} × 429, ${result.refusedLater} of them in the second minute; ${(100 * result.utilization).toFixed(1)} % of the limit used then; ${served.reduce((sum, count) => sum + count, 0)} served`,
    ]),
  }
}

/** The mean of each stretch of `width` seconds, at its middle. */
function meanOf(counts, width) {
  const points = []
  for (let at = 0; at + width <= counts.length; at += width)
    points.push([at + width / 2, counts.slice(at, at + width).reduce((sum, count) => sum + count, 0) / width])
  return points
}
