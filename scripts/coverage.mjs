// `npm run coverage`: which test proves which requirement, by the ids in the tests' names → docs/coverage.md.
// `-- --check` writes nothing and exits 1 when the page is out of date.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from './setup.mjs'

/** The requirements, each in a few words of our own. */
const REQUIREMENTS = {
  'S0.1': 'bounded queues with the overflow policy of your choice',
  'S0.2': 'every drop counted and told',
  'S0.3': 'watermarks',
  'S0.4': 'writers that wait for drain',
  'S0.5': 'bounded concurrency over iterables',
  'S0.6': 'push sources as async iterables, lossy operators',
  'S0.7': 'semaphore',
  'S0.8': 'token bucket',
  'S0.9': 'presets for kinds of data',
  'S0.10': 'deadlines and zombies',
  'S1.1': 'accept for later',
  'S1.2': 'a cap on what is in flight',
  'S1.3': 'a limit that finds itself',
  'S1.4': 'queue disciplines',
  'S1.5': 'priorities and shedding',
  'S1.6': 'a handler over its time',
  'S1.7': 'database pools',
  'S1.8': 'circuit breaker',
  'S1.9': 'liveness and readiness',
  'S1.10': 'graceful shutdown',
  'S1.11': 'gRPC',
  'S1.12': 'consumers',
  'S1.13': 'limits per tenant',
  'S1.14': 'figures of everything',
  'S2.1': 'requests and tokens a minute, taken together',
  'S2.2': 'what a provider answers is law',
  'S2.3': 'inference queue',
  'S2.4': 'slow readers',
  'S2.5': 'four layers compose',
  'S2.6': 'pressure travels upstream',
  'S2.7': 'queue monitor',
  'S2.8': 'one pipeline',
  'S2.9': 'the three mismatches',
  'S3.1': 'capacity calculator',
  'S3.2': 'presets of the gateway',
  'S3.3': 'refusals on the wire',
  'S3.4': 'settings from the environment',
  'S3.5': 'limits for a fleet',
  'S3.6': 'lanes',
  'S3.7': 'the backpressure report',
  'S3.8': 'metrics for Prometheus',
  'S3.9': 'dashboard for Grafana',
  'S3.10': 'alert rules',
  'S3.11': 'load scenarios',
  'S3.12': 'graceful degradation',
  'S3.13': 'before and after in one picture',
  'S3.14': 'operations guide',
}

const page = join(root, 'docs', 'coverage.md')
const NAMED = /\b(?:it|test|describe)(?:\.\w+)?\(\s*(['"`])((?:S\d\.\d+ )+)/g

const files = ['packages/sluice/test', 'packages/gateway/test'].flatMap((folder) =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.test.ts'))
    .map((name) => `${folder}/${name}`),
)
const found = new Map(Object.keys(REQUIREMENTS).map((id) => [id, new Map()]))
const unknown = []
for (const file of files.toSorted((a, b) => (a < b ? -1 : 1))) {
  for (const [, , ids] of readFileSync(join(root, file), 'utf8').matchAll(NAMED)) {
    for (const id of ids.trim().split(' ')) {
      const tests = found.get(id)
      if (tests === undefined) unknown.push(`${file} names ${id}, which is no requirement`)
      else tests.set(file, (tests.get(file) ?? 0) + 1)
    }
  }
}

const link = ([file, count]) => `[${file.replace(/^packages\/(\w+)\/test\//, '$1: ')}](../${file}) (${count})`
const rows = Object.entries(REQUIREMENTS).map(([id, what]) => {
  const tests = [...found.get(id)]
  return `| ${id} | ${what} | ${tests.length === 0 ? 'none yet' : tests.map(link).join('<br>')} |`
})
const covered = [...found.values()].filter((tests) => tests.size > 0).length
const text = `# Coverage

Which tests prove which requirement: those whose names, or whose suites' names, begin with its id, and how many in each
file. Written by \`npm run coverage\`; \`npm run lint\` fails when it is out of date. ${covered} of ${rows.length} have a test.

| id | requirement | tests |
|---|---|---|
${rows.join('\n')}
`

for (const line of unknown) process.stderr.write(`sluice: ${line}\n`)
if (!process.argv.includes('--check')) writeFileSync(page, text)
else if (readFileSync(page, 'utf8') !== text) {
  process.stderr.write('sluice: docs/coverage.md is out of date: npm run coverage\n')
  process.exitCode = 1
}
if (unknown.length > 0) process.exitCode = 1
