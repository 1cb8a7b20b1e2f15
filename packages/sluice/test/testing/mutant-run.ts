// Runs the laws on the copy of the compiled library in the folder given: exits 0 when all hold, 1 naming the first
// that does not. Used by mutants.test.ts.
import { AsyncLocalStorage } from 'node:async_hooks'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import * as fastCheck from 'fast-check'
import type * as Testing from '../../src/testing/index.ts'
import { disciplines, FIRST_COME, gates, PROVEN, type Sluice } from './subjects.ts'

const folder = process.argv[2]!
const open = (door: string): Promise<unknown> => import(pathToFileURL(join(folder, door)).href)
const sluice = (await open('index.js')) as Sluice
const { gateLaws, limitLaws, queueLaws } = (await open('testing/index.js')) as typeof Testing

// Which law a mutant breaks is of interest, not the smallest script that breaks it.
const fc: Testing.PropertyTester = {
  ...fastCheck,
  assert: (property, options) =>
    fastCheck.assert(property as fastCheck.IAsyncProperty<unknown>, { ...options, endOnFailure: true }),
}

let suite = ''
const laws: { readonly name: string; readonly body: () => Promise<void> }[] = []
const runner: Testing.LawRunner = {
  describe(name, body) {
    suite = name
    body()
  },
  it: (name, body) => laws.push({ name: `${suite}: ${name}`, body }),
}

for (const [name, make] of Object.entries(disciplines(sluice))) queueLaws(name, runner, fc, make, { runs: 100 })
limitLaws('adaptive', runner, fc, () => sluice.adaptive({ max: 20 }), { runs: 20, max: 20 })
const subjects = gates(sluice)
for (const [name, tries] of Object.entries(PROVEN))
  gateLaws(name, runner, fc, subjects[name]!, {
    ...tries,
    context: new AsyncLocalStorage(),
    fifo: FIRST_COME.has(name),
  })

for (const { name, body } of laws) {
  try {
    await body()
  } catch (error) {
    const { message, cause } = error as Error
    const said = cause instanceof Error ? cause.message : message
    process.stdout.write(`${name}: ${said.split('\n').slice(0, 2).join(' ')}\n`)
    process.exit(1)
  }
}
