// The same faults on Sluice and on its peers.
//
//   node bench/battery.mjs [--peer WORD] [--case WORD] [--json] [--write]
//
// Each case on each peer is a process of its own with a bound on its time. --write puts the table into docs/battery.md.
// Exits 1 when Sluice fails a case, or when the control arms pass one: then it could not be failed.
import { execFile } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import cases from './cases/battery-cases.mjs'
import peers, { versionOf } from './cases/battery-peers.mjs'

const LONGEST = 20_000
const script = fileURLToPath(new URL('cases/battery-case.mjs', import.meta.url))
const page = fileURLToPath(new URL('../docs/battery.md', import.meta.url))
const { values } = parseArgs({
  options: {
    peer: { type: 'string', default: '' },
    case: { type: 'string', default: '' },
    json: { type: 'boolean', default: false },
    write: { type: 'boolean', default: false },
  },
})
const columns = peers.filter(({ name }) => name.includes(values.peer))
const rows = Object.keys(cases).filter((name) => name.includes(values.case))

/** { verdict: 'ok' | 'FAIL' | '–', why } */
function ask(peer, name) {
  return new Promise((resolve) => {
    const args = [script, peer, name]
    execFile(process.execPath, args, { timeout: LONGEST, killSignal: 'SIGKILL' }, (error, output, complaint) => {
      if (output !== '') resolve(JSON.parse(output))
      else if (error?.killed === true) resolve({ verdict: 'FAIL', why: `no end after ${LONGEST / 1000} s` })
      else resolve({ verdict: 'FAIL', why: `the process ended without a word: ${complaint.trim().split('\n').at(-1)}` })
    })
  })
}

const results = columns.flatMap((peer) => rows.map((name) => ({ peer: peer.name, case: name })))
let at = 0
async function work() {
  while (at < results.length) {
    const result = results[at++]
    Object.assign(result, await ask(result.peer, result.case))
  }
}
await Promise.all(Array.from({ length: Math.max(2, availableParallelism()) }, work))

const resultOf = (peer, name) => results.find((result) => result.peer === peer && result.case === name)
const failures = results.filter(({ verdict }) => verdict === 'FAIL')

function table() {
  const heads = columns.map((peer) =>
    peer.package === undefined || peer.package === 'sluice' ? peer.name : `${peer.name} ${versionOf(peer.package)}`,
  )
  const line = (cells) => `| ${cells.join(' | ')} |\n`
  let text = line(['', ...heads]) + line(['---', ...heads.map(() => '---')])
  for (const name of rows)
    text += line([name, ...columns.map((peer) => resultOf(peer.name, name).verdict.replace('FAIL', '**FAIL**'))])
  const counts = columns.map(({ name }) => {
    const asked = results.filter(({ peer, verdict }) => peer === name && verdict !== '–')
    return `${asked.filter(({ verdict }) => verdict === 'ok').length} of ${asked.length}`
  })
  return text + line(['**ok, of those that apply**', ...counts])
}

function reasons() {
  return failures.map(({ peer, case: name, why }) => `- ${peer}, ${name}: ${why}\n`).join('')
}

/** Puts the results between the markers of the page. */
function write() {
  const begin = '<!-- generated: npm run bench -- battery --write -->\n'
  const end = '<!-- end of generated -->'
  const text = readFileSync(page, 'utf8')
  const from = text.indexOf(begin)
  const to = text.indexOf(end)
  if (from < 0 || to < from) throw new Error(`${page}: no markers`)
  const body = `\nNode ${process.versions.node}.\n\n${table()}\nWhat went wrong:\n\n${reasons()}\n`
  writeFileSync(page, text.slice(0, from + begin.length) + body + text.slice(to))
}

if (values.write) {
  if (values.peer !== '' || values.case !== '') throw new Error('--write is for the whole table')
  write()
}
if (values.json) process.stdout.write(`${JSON.stringify(results, undefined, 2)}\n`)
else process.stdout.write(`${table()}\n${reasons()}`)
if (failures.some(({ peer }) => peer.startsWith('sluice'))) process.exitCode = 1
const controls = columns.filter(({ name }) => name.startsWith('naive'))
const passedByAll = rows.filter((name) => controls.every((peer) => resultOf(peer.name, name).verdict !== 'FAIL'))
if (controls.length > 1 && passedByAll.length > 0) {
  process.stderr.write(`no control arm fails: ${passedByAll.join('; ')}\n`)
  process.exitCode = 1
}
