// `npm run mutation`: how much of the floors `measure` to `gate` could be wrong without a test noticing. For the night:
// it takes the better part of an hour. `-- gate/slots` mutates only files whose path contains one of the words. Stryker wants a newer Node than the oldest
// we support, so it and that Node live in .cache/ and the compiled code is mutated. Writes docs/mutation.md.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { nodeOf } from './node-versions.mjs'
import { must, root, setUp } from './setup.mjs'

const FLOORS = ['measure', 'limit', 'queue', 'gate']
const STRYKER = '@stryker-mutator/core@10.1.1'

setUp()
const node = nodeOf(24)
if (node === undefined) {
  process.stderr.write('sluice: Node 24 cannot be had on this machine\n')
  process.exit(1)
}
const home = join(root, '.cache', 'stryker')
const binary = join(home, 'node_modules', '@stryker-mutator', 'core', 'bin', 'stryker.js')
if (!existsSync(binary)) {
  mkdirSync(home, { recursive: true })
  writeFileSync(join(home, 'package.json'), '{"private":true}')
  must('npm', ['install', '--no-audit', '--no-fund', '--no-package-lock', STRYKER], { cwd: home })
}

const library = join(root, 'packages', 'sluice')
const words = process.argv.slice(2)
const wanted = (path) => words.length === 0 || words.some((word) => path.includes(word))
const inFloors = (folder, ending) =>
  FLOORS.flatMap((floor) =>
    readdirSync(join(library, 'dist', folder, floor))
      .filter((name) => name.endsWith(ending))
      .map((name) => `dist/${folder}/${floor}/${name}`),
  )
const report = join(root, '.cache', 'mutation.json')
const config = join(home, 'stryker.config.json')
writeFileSync(
  config,
  JSON.stringify({
    mutate: inFloors('src', '.js').filter((path) => wanted(path) && !path.endsWith('/index.js')),
    testRunner: 'command',
    commandRunner: { command: `${node} --test --test-reporter=dot ${inFloors('test', '.test.js').join(' ')}` },
    coverageAnalysis: 'off',
    tsconfigFile: 'absent.json',
    concurrency: 2,
    // A mutant that loops for ever is found out by time.
    timeoutMS: 20_000,
    tempDirName: join(root, '.cache', 'stryker-tmp'),
    symlinkNodeModules: true,
    reporters: ['json', 'clear-text', 'progress-append-only'],
    clearTextReporter: { reportTests: false, reportScoreTable: true, allowColor: false },
    jsonReporter: { fileName: report },
    allowEmpty: false,
    cleanTempDir: 'always',
  }),
)
const done = spawnSync(node, [binary, 'run', config], { cwd: library, stdio: 'inherit' })
if (done.status !== 0) process.exit(done.status ?? 1)

const KILLED = new Set(['Killed', 'Timeout'])
const COUNTED = new Set([...KILLED, 'Survived', 'NoCoverage'])
const { files } = JSON.parse(readFileSync(report, 'utf8'))
const score = (mutants) => {
  const counted = mutants.filter(({ status }) => COUNTED.has(status))
  const killed = counted.filter(({ status }) => KILLED.has(status)).length
  return { killed, total: counted.length, share: counted.length === 0 ? 1 : killed / counted.length }
}
const row = (name, { killed, total, share }) => `| ${name} | ${killed} of ${total} | ${(share * 100).toFixed(1)} % |`
const all = Object.entries(files).map(([path, { mutants }]) => ({
  path: path.replace('dist/src/', '').replace('.js', '.ts'),
  mutants,
}))
const whole = score(all.flatMap(({ mutants }) => mutants))
if (words.length === 0) {
  const lines = [
    '# Mutation testing',
    '',
    'Every small change that Stryker knows to make to the compiled floors `measure` to `gate`, and whether a test notices.',
    'Made by `npm run mutation`; the gates are also broken on purpose in every test run, by `npm run mutants`.',
    '',
    '| file | noticed | score |',
    '|---|---:|---:|',
    ...all.map(({ path, mutants }) => row(`\`${path}\``, score(mutants))),
    row('**all**', whole),
    '',
  ]
  writeFileSync(join(root, 'docs', 'mutation.md'), lines.join('\n'))
}
process.stdout.write(`mutation score: ${(whole.share * 100).toFixed(1)} % (${whole.killed} of ${whole.total})\n`)
