// The pool in front of a provider, in virtual time: the code that ships, a provider written from the documentation, latency
// that varies. Beside it, on the same load: the backoff of the SDKs alone, a bucket in each process, the algorithm of
// OpenAI's cookbook script. Then what happens when things change, and which way of counting is found when told another.
//
//   node bench/llm-pool.mjs [--quick] [--json] [--aborts] [--ways]
// With --aborts only this: 100,000 calls given up in every phase, and what they left behind. With --ways only the last table.
import { provider } from '../packages/sluice/dist/src/llm/index.js'
import { cachedCall, openEndedCall, playLoad } from '../packages/sluice/dist/test/llm/pool-load.js'
import { playAborts } from '../packages/sluice/dist/test/llm/pool-aborts.js'
import { promptBound, SCENES, silent } from '../packages/sluice/dist/test/llm/pool-scenes.js'

const quick = process.argv.includes('--quick')
const asJson = process.argv.includes('--json')
const MINUTES = quick ? 3 : 10
const PROCESSES = [1, 4, 16]
const base = { callers: 320, duration: MINUTES * 60_000, seed: 1 }
const rows = []

const percent = (part) => `${(100 * part).toFixed(1)} %`
const say = (text) => asJson || process.stdout.write(`${text}\n`)
const cell = ({ utilization, refusedLater, refused }) => `${percent(utilization)} / ${refused} (${refusedLater})`

async function play(table, name, options) {
  const { pools, ...result } = await playLoad({ ...base, ...options })
  rows.push({ table, name, ...result })
  return { ...result, status: pools[0]?.status()[0] }
}

if (process.argv.includes('--aborts')) {
  const { begun, waiting, left, slots, tokens } = await playAborts(100_000, 7)
  say(`${begun} calls, ${waiting} left while they waited; in progress after it ${left}, slots lost ${slots}`)
  say(`tokens lost ${tokens.toFixed(0)}: below the smallest call`)
  process.exit(left + slots === 0 && Math.abs(tokens) < 400 ? 0 : 1)
}

const WAYS = { 'reserve-max': 'max', 'reserve-sum': 'sum', 'reserve-refund': 'refund', actual: 'actual' }

/** Told one way of counting, where the provider counts another. A fleet may go astray and find something near it. */
async function playWay(assumed, truth, load) {
  let model
  let after = 0
  const scene = {
    ...SCENES.openai,
    limits: () => provider.openai({ model: 'm', rpm: 20_000, tpm: 400_000, modes: { tokens: assumed } }),
    truth: () => {
      const { requests, tokens } = SCENES.openai.truth()
      return { requests, tokens: { ...tokens, counts: WAYS[truth] } }
    },
  }
  const { utilization, refused, status } = await play('ways', `${assumed}/${truth}`, {
    scene,
    duration: 240_000,
    ...load,
    pool: {
      onMode: ({ fits }) => {
        if (fits === truth && after === 0) after = model.served
      },
    },
    made: (_, __, made) => (model = made),
  })
  const { mode } = status.budgets.tokens
  const note = mode === truth ? (after === 0 ? 'as told' : `after ${after}`) : `took it for ${String(mode)}`
  return `${percent(utilization)} / ${refused}, ${note}`
}

async function playWays() {
  say('\nThe pool is told one way of counting, the provider counts another: used / 429s, found after so many calls\n')
  say('| told | provider counts | 24 callers | 320 callers | 320 of 4 processes | 320 of 16 |')
  say('|---|---|---|---|---|---|')
  const loads = [{ processes: 1, callers: 24 }, ...PROCESSES.map((processes) => ({ processes }))]
  for (const assumed of Object.keys(WAYS))
    for (const truth of Object.keys(WAYS)) {
      const cells = []
      for (const load of loads) cells.push(await playWay(assumed, truth, load))
      say(`| ${assumed} | ${truth} | ${cells.join(' | ')} |`)
    }
}

if (process.argv.includes('--ways')) {
  await playWays()
  if (asJson) process.stdout.write(`${JSON.stringify(rows, null, 2)}\n`)
  process.exit(0)
}

say(`${MINUTES} virtual minutes after one of warming up; 320 callers, answers of 0.3 to 14 s, 5 to 260 ms each way.`)
say('Used of the tight limit / 429s (of them after warming up)\n')
say(`| provider | ${PROCESSES.map((count) => `${count} process${count > 1 ? 'es' : ''}`).join(' | ')} |`)
say(`|---|${PROCESSES.map(() => '---').join('|')}|`)
for (const [name, scene] of Object.entries(SCENES)) {
  const cells = []
  for (const processes of PROCESSES) cells.push(cell(await play('limit', name, { scene, processes })))
  say(`| ${name} | ${cells.join(' | ')} |`)
}

say('\n| what nobody says | 1 | 4 | 16 |')
say('|---|---|---|---|')
const openEnded = { scene: SCENES.openai, unsaid: true, callOf: openEndedCall }
const UNSAID = {
  'openai, no max_tokens': openEnded,
  'openai, nor the usage of streams': { ...openEnded, untold: true },
  'anthropic, 95 % of prompts from the cache': { scene: promptBound(), callOf: cachedCall },
}
for (const [name, options] of Object.entries(UNSAID)) {
  const cells = []
  for (const processes of PROCESSES) cells.push(cell(await play('unsaid', name, { ...options, processes })))
  say(`| ${name} | ${cells.join(' | ')} |`)
}

say(`\n| openai, instead of the pool | ${PROCESSES.map((count) => `${count}`).join(' | ')} |`)
say(`|---|${PROCESSES.map(() => '---').join('|')}|`)
const PEERS = {
  sdk: 'backoff of the SDK alone',
  'own bucket': 'a bucket in each process',
  cookbook: 'cookbook, 75 % split',
}
// A minute is enough to see it: each of them is refused all the time.
const short = { warmUp: 60_000, duration: quick ? 60_000 : 180_000 }
for (const [strategy, name] of Object.entries(PEERS)) {
  const cells = []
  for (const processes of PROCESSES)
    cells.push(cell(await play('peers', strategy, { scene: SCENES.openai, processes, strategy, ...short })))
  say(`| ${name} | ${cells.join(' | ')} |`)
}

say('\nAn event in the middle: used of what is left after it / 429s within 2 s of it + later\n')
say('| event | provider | 1 | 4 | 16 |')
say('|---|---|---|---|---|')
const EVENTS = {
  'estimates 30 % too low': { bias: 0.7 },
  'others use 20 %': { foreign: 0.2 },
  'limit halved': { cut: 0.5 },
}
const { openai, azure, anthropic, gemini } = SCENES
for (const [event, options] of Object.entries(EVENTS))
  for (const [name, scene] of Object.entries({ openai, azure, anthropic, gemini, 'nothing but 429': silent() })) {
    const cells = []
    for (const processes of PROCESSES) {
      const result = await play(event, name, { scene, processes, ...options })
      const { utilization, atEvent, afterEvent, refused } = result
      cells.push(`${percent(utilization)} / ${options.bias ? refused : `${atEvent} + ${afterEvent}`}`)
    }
    say(`| ${event} | ${name} | ${cells.join(' | ')} |`)
  }

await playWays()
if (asJson) process.stdout.write(`${JSON.stringify(rows, null, 2)}\n`)
// Callers that wait for ever in virtual time keep nothing alive, but say it.
process.exit(0)
