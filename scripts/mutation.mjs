// `npm run mutation`: how much of the floors `measure` to `gate` could be wrong without a test noticing. For the night.
//
//   npm run mutation [-- [WORD…] [--stale] [--built]]
//
// A WORD mutates only the files whose path contains it, --stale only those that have changed since the page was made,
// --built takes what is compiled as it is. Puts the scores into docs/mutation.md and lists what survived.
//
// Stryker wants a newer Node than the oldest we support, so it and that Node live in .cache/ and the compiled code is
// mutated. Each floor is tried by its own tests and laws alone, which is quicker than by all there are, and stricter.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { nodeOf } from './runtimes.mjs'
import { must, root, setUp } from './setup.mjs'

const FLOORS = ['measure', 'limit', 'queue', 'gate']
const STRYKER = '@stryker-mutator/core@10.0.0'
/** One measures time, and a mutant that is only slow is not wrong; the other is about the league's own contenders. */
const LEFT_OUT = ['queue/depth.test.js', 'limit/contenders.test.js']

const { values, positionals: words } = parseArgs({
  allowPositionals: true,
  options: { stale: { type: 'boolean', default: false }, built: { type: 'boolean', default: false } },
})
if (!values.built) setUp()
const node = await nodeOf(24)
if (node === undefined) {
  process.stderr.write('sluice: Node 24 cannot be had on this machine\n')
  process.exit(1)
}
const home = join(root, '.cache', 'stryker')
const binary = join(home, 'node_modules', '@stryker-mutator', 'core', 'bin', 'stryker.js')
if (!existsSync(binary)) {
  mkdirSync(home, { recursive: true })
  writeFileSync(join(home, 'package.json'), '{"private":true}')
  must('npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--no-package-lock', STRYKER], { cwd: home })
}

const library = join(root, 'packages', 'sluice')
const page = join(root, 'docs', 'mutation.md')

/** The compiled files of a folder whose source is still there. */
function compiled(folder, ending) {
  return readdirSync(join(library, 'dist', folder))
    .filter((name) => name.endsWith(ending) && existsSync(join(library, folder, name.replace(/\.js$/, '.ts'))))
    .map((name) => `dist/${folder}/${name}`)
}

const sourceOf = (path) => path.replace('dist/src/', '').replace(/\.js$/, '.ts')
const fingerprint = (source) =>
  createHash('sha256')
    .update(readFileSync(join(library, 'src', source)))
    .digest('hex')
    .slice(0, 8)

/** The rows of the page: source → { noticed, of, fingerprint, day }. */
function rowsOf(text) {
  const row = /^\| `(\S+)` \| (\d+) of (\d+) \| .* \| (\w+) \| ([\d-]+) \|$/gm
  return new Map(
    [...text.matchAll(row)].map(([, source, noticed, of, print, day]) => [
      source,
      { noticed: Number(noticed), of: Number(of), fingerprint: print, day },
    ]),
  )
}

/** Mutates files of one floor; answers the mutants of each file. */
function mutate(floor, files) {
  const laws = `dist/test/testing/${floor}-laws.test.js`
  const tests = [
    ...compiled(`test/${floor}`, '.test.js').filter((file) => !LEFT_OUT.some((name) => file.endsWith(name))),
    ...(existsSync(join(library, laws)) ? [laws] : []),
  ]
  const report = join(root, '.cache', `mutation-${floor}.json`)
  const config = join(home, `${floor}.config.json`)
  writeFileSync(
    config,
    JSON.stringify({
      mutate: files,
      ignorePatterns: ['/test', '**/*.map', '**/*.d.ts', '**/*.tsbuildinfo'],
      plugins: [fileURLToPath(new URL('mutation/runner.mjs', import.meta.url))],
      testRunner: 'sluice',
      sluiceTests: tests,
      coverageAnalysis: 'perTest',
      disableTypeChecks: false,
      tsconfigFile: 'absent.json',
      concurrency: 1,
      // The runner ends what never ends, file by file; this bounds the runner itself.
      timeoutMS: 600_000,
      tempDirName: join(root, '.cache', 'stryker-tmp'),
      symlinkNodeModules: false,
      reporters: ['json', 'progress-append-only'],
      jsonReporter: { fileName: report },
      cleanTempDir: 'always',
    }),
  )
  const done = spawnSync(node, [binary, 'run', config], { cwd: library, stdio: 'inherit' })
  // The other floors can be measured all the same.
  if (done.status !== 0) {
    process.exitCode = 1
    return []
  }
  return Object.entries(JSON.parse(readFileSync(report, 'utf8')).files).map(([path, { source, mutants }]) => ({
    source: sourceOf(path),
    lines: source.split('\n'),
    mutants,
  }))
}

const KILLED = new Set(['Killed', 'Timeout'])
const COUNTED = new Set([...KILLED, 'Survived', 'NoCoverage'])

/** What a mutant changed, on one line. */
function told(source, lines, { location: { start, end }, replacement, status, mutatorName }) {
  const from = lines.slice(start.line - 1, end.line)
  from[from.length - 1] = from.at(-1).slice(0, end.column - 1)
  from[0] = from[0].slice(start.column - 1)
  const short = (text) => {
    const line = text.replaceAll(/\s+/g, ' ')
    return line.length > 90 ? `${line.slice(0, 89)}…` : line
  }
  return `${source}:${start.line} ${status} ${mutatorName}: ${short(from.join('\n'))} → ${short(replacement)}\n`
}

function write(rows) {
  const begin = '<!-- generated: npm run mutation -->\n'
  const end = '<!-- end of generated -->'
  const text = readFileSync(page, 'utf8')
  const from = text.indexOf(begin)
  const to = text.indexOf(end)
  if (from < 0 || to < from) throw new Error(`${basename(page)}: no markers`)
  const line = (name, { noticed, of }, rest) =>
    `| ${name} | ${noticed} of ${of} | ${((of === 0 ? 1 : noticed / of) * 100).toFixed(1)} % | ${rest} |\n`
  const sum = (some) => ({
    noticed: some.reduce((total, row) => total + row.noticed, 0),
    of: some.reduce((total, row) => total + row.of, 0),
  })
  let body = '\n| file | noticed | score | source | measured |\n|---|---:|---:|---|---|\n'
  for (const floor of FLOORS) {
    const own = [...rows].filter(([source]) => source.startsWith(`${floor}/`)).sort(([a], [b]) => (a < b ? -1 : 1))
    for (const path of present.filter((one) => one.startsWith(`dist/src/${floor}/`) && !rows.has(sourceOf(one))))
      body += `| \`${sourceOf(path)}\` | not measured yet | | | |\n`
    for (const [source, row] of own) body += line(`\`${source}\``, row, `${row.fingerprint} | ${row.day}`)
    body += line(`**${floor}**`, sum(own.map(([, row]) => row)), ' | ')
  }
  const whole = sum([...rows.values()])
  body += line('**all**', whole, ' | ')
  writeFileSync(page, `${text.slice(0, from + begin.length)}${body}\n${text.slice(to)}`)
  return whole
}

const day = new Date().toISOString().slice(0, 10)
const before = rowsOf(readFileSync(page, 'utf8'))
const wanted = (path) => {
  const source = sourceOf(path)
  if (values.stale && before.get(source)?.fingerprint === fingerprint(source)) return false
  return words.length === 0 || words.some((word) => source.includes(word))
}
/** Nothing but types, or names handed on. */
const isEmpty = (path) => !/^(?!export \{|import |\s*\/?\*|\/\/|\s*$)/m.test(readFileSync(join(library, path), 'utf8'))
const present = FLOORS.flatMap((floor) => compiled(`src/${floor}`, '.js')).filter((path) => !isEmpty(path))
const isPresent = ([source]) => present.some((path) => sourceOf(path) === source)
for (const floor of FLOORS) {
  const files = present.filter((path) => path.startsWith(`dist/src/${floor}/`) && wanted(path))
  if (files.length === 0) continue
  let survivors = ''
  const measured = []
  const prints = new Map(files.map((path) => [sourceOf(path), fingerprint(sourceOf(path))]))
  for (const { source, lines, mutants } of mutate(floor, files)) {
    const counted = mutants.filter(({ status }) => COUNTED.has(status))
    const alive = counted.filter(({ status }) => !KILLED.has(status))
    const noticed = counted.length - alive.length
    measured.push([source, { noticed, of: counted.length, fingerprint: prints.get(source), day }])
    survivors += alive.map((mutant) => told(source, lines, mutant)).join('')
  }
  process.stdout.write(survivors)
  // After each floor, and into the page as it is by then: neither a night that is cut short nor another run is lost.
  const rows = [...rowsOf(readFileSync(page, 'utf8')), ...measured].filter(isPresent)
  const { noticed, of } = write(new Map(rows))
  process.stdout.write(`mutation score: ${((noticed / of) * 100).toFixed(1)} % (${noticed} of ${of})\n`)
}
