// Runs single tests for Stryker: all of them loaded once, the likeliest to notice a mutant first, which are those that
// noticed the last mutants of the same file, then the quick ones. A process for each test file and mutant would take a
// night where this takes minutes.
import { fork } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

const script = fileURLToPath(new URL('try.mjs', import.meta.url))
const MEMORY = 'mutation-memory.json'
/** A test that takes so much longer than without a mutant never ends. The machine may be busy with other things. */
const patienceFor = (took) => took * 5 + 2000
/** A test that takes longer simulates minutes of service to rank algorithms, which is no way to find a wrong sign. */
const LONGEST = 5000
/** After so many mutants the process is made anew, whatever it says of itself. */
const MUTANTS_A_PROCESS = 200

/** A process that tries mutants. */
class Trial {
  #child
  #settle = () => {}
  #late
  #patience = {}
  tried = 0

  constructor(env = {}) {
    this.#child = fork(script, { env: { ...process.env, ...env }, stdio: ['ignore', 'ignore', 'pipe', 'ipc'] })
    let complaint = ''
    this.#child.stderr.on('data', (part) => (complaint = `${complaint}${part}`.slice(-2000)))
    this.#child.on('message', ({ done, begun }) => {
      if (done !== undefined) this.#settle(done)
      // A test that blocks the process cannot end itself.
      else this.#bound(this.#patience[begun] * 2)
    })
    this.#child.on('exit', (code) => this.#settle({ failed: complaint.trim() || `ended with ${code}`, clean: false }))
  }

  #bound(ms) {
    clearTimeout(this.#late)
    this.#late = setTimeout(() => this.#settle({ failed: 'blocks', late: true, clean: false }), ms)
  }

  ask(message, bound = 300_000) {
    this.#patience = message.patience ?? {}
    return new Promise((resolve) => {
      this.#settle = (answer) => {
        clearTimeout(this.#late)
        resolve(answer)
      }
      this.#bound(bound)
      this.#child.send(message, (error) => error && this.#settle({ failed: error.message, clean: false }))
    })
  }

  end() {
    clearTimeout(this.#late)
    this.#settle = () => {}
    this.#child.kill('SIGKILL')
  }
}

/** The numbers of the mutants in each instrumented file below a folder: number → file. */
function homes(folder) {
  const found = {}
  for (const entry of readdirSync(folder, { recursive: true }))
    if (entry.endsWith('.js'))
      for (const [, id] of readFileSync(join(folder, entry), 'utf8').matchAll(/stryMutAct_\w+\("(\d+)"\)/g))
        found[id] = entry
  return found
}

class SingleTests {
  static inject = ['options']
  #files
  #memory = { took: {}, fileOf: {}, loaded: [], reached: {} }
  #noticed = new Map()
  #warm

  constructor({ sluiceTests }) {
    this.#files = sluiceTests
  }

  capabilities() {
    return { reloadEnvironment: true }
  }

  init() {
    // Stryker starts a new worker now and then; what the first one found out is in a file.
    if (existsSync(MEMORY)) this.#memory = JSON.parse(readFileSync(MEMORY, 'utf8'))
  }

  dispose() {
    this.#warm?.end()
  }

  async dryRun() {
    const trial = new Trial()
    try {
      return await this.#measureAll(trial)
    } finally {
      trial.end()
    }
  }

  async #measureAll(trial) {
    const { failed, loaded, tests } = await trial.ask({ order: 'load', files: this.#files })
    if (failed !== undefined) return { status: 'error', errorMessage: failed }
    const home = homes('dist/src')
    const perTest = {}
    const answers = []
    for (const { id, file } of tests) {
      const { failed: wrong, took, reached } = await trial.ask({ order: 'measure', id })
      if (wrong !== undefined) return { status: 'error', errorMessage: `${id}: ${wrong}` }
      if (took > LONGEST) {
        process.stderr.write(`left out, it takes ${(took / 1000).toFixed(1)} s: ${id}\n`)
        continue
      }
      this.#memory.took[id] = took
      this.#memory.fileOf[id] = file
      this.#memory.reached[id] = Object.keys(reached)
      // What runs only while a module is loaded concerns every test that reaches anything of that module.
      const modules = new Set(Object.keys(reached).map((mutant) => home[mutant]))
      perTest[id] = { ...reached }
      for (const mutant of loaded) if (modules.has(home[mutant])) perTest[id][mutant] ??= 1
      answers.push({ id, name: id, fileName: file, timeSpentMs: took, status: 0 })
    }
    this.#memory.loaded = loaded
    writeFileSync(MEMORY, JSON.stringify(this.#memory))
    return { status: 'complete', tests: answers, mutantCoverage: { static: {}, perTest } }
  }

  async mutantRun({ activeMutant, testFilter, hitLimit }) {
    const { took, reached, loaded, fileOf } = this.#memory
    const source = relative('.', activeMutant.fileName)
    const ids = this.#likeliestFirst(source, testFilter ?? Object.keys(took))
    const running = ids.filter((id) => reached[id].includes(activeMutant.id))
    const order = { order: 'run', hitLimit, patience: Object.fromEntries(ids.map((id) => [id, patienceFor(took[id])])) }

    let answer = running.length === 0 ? {} : await this.#tryWarm({ ...order, mutant: activeMutant.id, ids: running })
    if (answer.failed === undefined && loaded.includes(activeMutant.id)) {
      const trial = new Trial({ __STRYKER_ACTIVE_MUTANT__: activeMutant.id })
      answer = await trial.ask({ order: 'load', files: [...new Set(ids.map((id) => fileOf[id]))] }, 60_000)
      // A mutant may change which tests there are; one that is gone has noticed.
      answer = answer.failed === undefined ? await trial.ask({ ...order, mutant: activeMutant.id, ids }) : answer
      trial.end()
    }
    if (answer.failed === undefined) return { status: 'survived', nrOfTests: ids.length }
    const others = (this.#noticed.get(source) ?? []).filter((id) => id !== answer.id)
    if (answer.id !== undefined) this.#noticed.set(source, [answer.id, ...others])
    if (answer.late) return { status: 'timeout', reason: answer.failed }
    return { status: 'killed', killedBy: [answer.id ?? ids[0]], failureMessage: answer.failed, nrOfTests: ids.length }
  }

  /** In the process that is there; once more in a new one where it may be the process and not the mutant that failed. */
  async #tryWarm(order) {
    for (;;) {
      const fresh = this.#warm === undefined
      if (fresh) {
        this.#warm = new Trial()
        const { failed } = await this.#warm.ask({ order: 'load', files: this.#files })
        if (failed !== undefined) throw new Error(failed)
      }
      const answer = await this.#warm.ask(order)
      const spoiled = answer.failed !== undefined && answer.clean !== true
      if (spoiled || ++this.#warm.tried >= MUTANTS_A_PROCESS) {
        this.#warm.end()
        this.#warm = undefined
      }
      if (!spoiled || fresh) return answer
    }
  }

  #likeliestFirst(source, ids) {
    const noticed = this.#noticed.get(source) ?? []
    const rank = (id) => {
      const at = noticed.indexOf(id)
      return at < 0 ? noticed.length : at
    }
    return ids.toSorted((a, b) => rank(a) - rank(b) || this.#memory.took[a] - this.#memory.took[b])
  }
}

export const strykerPlugins = [{ kind: 'TestRunner', name: 'sluice', injectableClass: SingleTests }]
export const strykerValidationSchema = { properties: { sluiceTests: { type: 'array', items: { type: 'string' } } } }
