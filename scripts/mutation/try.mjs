// A process that tries mutants: loads the test files it is given, then runs the tests it is told to with one mutant
// switched on. It is made anew whenever a mutant may have left something behind.
import { registerHooks } from 'node:module'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { configureGlobal } from 'fast-check'
import { declareIn, tests } from './node-test.mjs'

const double = new URL('node-test.mjs', import.meta.url).href
registerHooks({
  resolve: (specifier, context, next) =>
    specifier === 'node:test' ? { url: double, shortCircuit: true } : next(specifier, context),
})
// The same random scripts every time, not made smaller once they fail: all that is asked is whether they do.
configureGlobal({ seed: 20_260_101, endOnFailure: true })

const stryker = (globalThis.__stryker__ ??= {})
let stray = () => {}
process.on('uncaughtException', (error) => stray(error))
process.on('unhandledRejection', (error) => stray(error))

/** Nothing is left that could ever wake anybody. */
const asleep = () => process.getActiveResourcesInfo().every((name) => name === 'PipeWrap' || name === 'Timeout')

/** What went wrong in one test, or nothing. `clean` is false where it may go on going wrong. */
async function attempt(test, patience) {
  let look
  const late = new Promise((resolve) => {
    stray = (error) => resolve({ failed: `not caught: ${error?.message ?? error}`, clean: false })
    const began = performance.now()
    let quiet = 0
    look = setInterval(() => {
      // Unit tests run in virtual time: the only real timer is this one.
      quiet =
        asleep() && process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length <= 1 ? quiet + 1 : 0
      if (quiet >= 3) resolve({ failed: 'never settles', clean: false })
      else if (performance.now() - began > patience) resolve({ failed: 'goes on and on', clean: false })
    }, 50)
  })
  const ended = (async () => {
    try {
      await test.body({ name: test.id, diagnostic() {} })
      return undefined
    } catch (error) {
      return { failed: String(error?.message ?? error).slice(0, 500), clean: true }
    }
  })()
  const first = await Promise.race([ended, late])
  // A rejection that nobody catches is told a turn later.
  const after = first ?? (await Promise.race([late, new Promise((resolve) => setImmediate(resolve, undefined))]))
  clearInterval(look)
  return after
}

const byId = new Map()

const orders = {
  async load(files) {
    for (const file of files) {
      declareIn(file)
      await import(pathToFileURL(resolve(file)).href)
    }
    for (const test of tests) byId.set(test.id, test)
    const loaded = Object.keys(stryker.mutantCoverage?.static ?? {})
    return { loaded, tests: tests.map(({ id, file }) => ({ id, file })) }
  },
  /** One test as it is: how long it takes, and what it reaches. */
  async measure({ id }) {
    stryker.currentTestId = id
    const began = performance.now()
    const wrong = await attempt(byId.get(id), 300_000)
    return { ...wrong, took: performance.now() - began, reached: stryker.mutantCoverage?.perTest[id] ?? {} }
  },
  /** Tests with a mutant, up to the first that fails. */
  async run({ mutant, ids, patience, hitLimit }) {
    for (const id of ids) {
      process.send({ begun: id })
      Object.assign(stryker, { activeMutant: mutant, hitLimit, hitCount: hitLimit === undefined ? undefined : 0 })
      const wrong = await attempt(byId.get(id), patience[id])
      if (wrong === undefined) continue
      Object.assign(stryker, { activeMutant: undefined, hitLimit: undefined, hitCount: undefined })
      // Whoever fails without the mutant as well says nothing about it: something is left over from one before.
      const clean = wrong.clean && (await attempt(byId.get(id), patience[id])) === undefined
      return { ...wrong, id, clean }
    }
    return {}
  },
}

async function obey({ order, ...rest }) {
  try {
    process.send({ done: await orders[order](rest.files ?? rest) })
  } catch (error) {
    process.send({ done: { failed: `cannot ${order}: ${error?.stack ?? error}`, clean: false } })
  }
}

process.on('message', (message) => void obey(message))
