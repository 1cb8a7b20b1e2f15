import assert from 'node:assert/strict'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { INVARIANTS } from './slots-objections.ts'
import type { SlotLibrary } from './slots-unruly.ts'

const root = fileURLToPath(new URL('../../../../../', import.meta.url))
const library = join(root, 'packages/sluice/dist/src')
const [NEVER, WIDE, FENCES, STRICT, TENANTS, LEFT, SHARES, , ALWAYS] = Object.keys(INVARIANTS) as [
  string,
  string,
  string,
  string,
  string,
  string,
  string,
  string,
  string,
]
const SEEDS = [8, 3, 1, 5, 23, 14, 51, 1104]

/** What is broken, where, by which change, and which invariant says so. */
const MUTANTS: readonly (readonly [what: string, file: string, from: string, to: string, invariant: string])[] = [
  ['a push of another life counts', 'session', 'news.life === this.#life && !', '!', NEVER],
  [
    'a late report takes back what was granted',
    'memory-slots',
    'own.granted = Math.max(own.granted, granted);',
    'own.granted = granted;',
    NEVER,
  ],
  ['it grants while it learns', 'memory-slots', 'this.#learning > 0 ? 0 : ', '', NEVER],
  [
    'what the coordinator has forgotten is in use as long as nobody answers',
    'session',
    'this.#reclaim(this.#lease.rest, () => this.#lost());',
    'this.#forget();',
    ALWAYS,
  ],
  ['a lease never ends here', 'slots-lease', 'this.#length * (1 - MARGIN)', 'this.#length * 3', NEVER],
  ['lost work is not told', 'slots-watched', 'permit.lost(lost);', '', NEVER],
  [
    'one that is refused is not answered',
    'slots-core',
    'waiter.answered(this.#refusal(code, waiter.cost), this.clock);',
    '',
    NEVER,
  ],
  [
    'what is given back is forgotten',
    'session',
    'this.#returned += count;\n        this.sync();',
    'this.sync();',
    NEVER,
  ],
  ['the wide one is granted what there is', 'slots-pump', 'if (cost > free) {', 'if (false) {', WIDE],
  [
    'small ones keep the wide one out',
    'slots-pump',
    'free = 0;\n                break;',
    'account.demand = account.demand.filter((each) => each.cost <= free); continue;',
    WIDE,
  ],
  ['a wide one counts as one', 'slots-core', 'this.#inflight += cost;', 'this.#inflight += 1;', WIDE],
  ['fences stand still', 'memory-slots', 'account.fence = ++this.#fence;', 'account.fence = this.#fence;', FENCES],
  ['fences begin anew', 'memory-slots', 'this.#fence = fence;', 'this.#fence = 0;', FENCES],
  [
    'the youngest is next',
    'slots-pump',
    'return a.want.since < b.want.since;',
    'return a.want.since > b.want.since;',
    STRICT,
  ],
  ['slots are kept whoever waits elsewhere', 'slots-view', 'return serial <= this.#named &&', 'return true ||', STRICT],
  [
    'of several granted together all count as served',
    'slots-account',
    'let rest = Math.min(count, Math.ceil((upTo - granted) / cost));',
    'let rest = strict ? Infinity : count;',
    STRICT,
  ],
  ['the least important is next', 'slots-pump', 'first.priority > top', '(first.priority < top || top < 0)', STRICT],
  ['weights are not looked at where they compete', 'slots-pump', '(cost * count) / weight', 'cost * count', TENANTS],
  ['weights are not looked at here', 'slots-class', 'waiter.cost / line.weight', 'waiter.cost', TENANTS],
  [
    'slots are used again at home where tenants compete',
    'slots-rivals',
    '|| this.#isWeighed(accounts)',
    '|| false',
    TENANTS,
  ],
  ['each keeps a part of the whole limit', 'slots-rivals', 'left -= account.held;', '{}', LEFT],
  ['who holds most may keep others out', 'slots-rivals', 'held > equal', 'false', LEFT],
  ['no class is ever owed anything', 'slots-shares', '+= shares[each] * slots', '+= 0', SHARES],
  [
    'slots are used again at home where classes compete',
    'slots-rivals',
    'shares && isMixed(accounts)',
    'false',
    SHARES,
  ],
  [
    'a better class here keeps what falls free here',
    'slots-core',
    'session.view.fair < 0 && this.#parts.shares !== undefined',
    'false',
    SHARES,
  ],
  ['a turn of one class goes to a better one', 'slots-turns', '&& this.#lines.shares === undefined', '', SHARES],
  [
    'shares are nothing where nobody waits elsewhere',
    'slots-lines',
    'if (this.shares !== undefined)\n            return this.#classes[this.#owed',
    'if (false)\n            return this.#classes[this.#owed',
    SHARES,
  ],
]

describe('the invariants of slots', () => {
  const cache = join(root, '.cache')
  mkdirSync(cache, { recursive: true })
  const folder = mkdtempSync(join(cache, 'slots-mutants-'))
  after(() => rmSync(folder, { recursive: true, force: true }))

  /** The library with one of its files changed. */
  async function mutant(number: number, file: string, from: string, to: string): Promise<SlotLibrary> {
    const home = join(folder, String(number))
    cpSync(join(library, 'coordinate'), join(home, 'coordinate'), { recursive: true })
    for (const floor of ['ground', 'measure', 'limit', 'queue', 'gate'])
      symlinkSync(join(library, floor), join(home, floor))
    const path = join(home, `coordinate/${file}.js`)
    const text = readFileSync(path, 'utf8')
    assert.ok(text.includes(from), `${file}.js has no ${from}`)
    writeFileSync(path, text.replaceAll(from, to))
    return (await import(pathToFileURL(join(home, 'coordinate/index.js')).href)) as SlotLibrary
  }

  for (const [at, [what, file, from, to, invariant]] of MUTANTS.entries())
    it(`find out when ${what}`, { timeout: 60_000 }, async (test) => {
      const wrong = await mutant(at, file, from, to)
      for (const seed of SEEDS) {
        const found = await INVARIANTS[invariant]!(wrong, seed)
        if (found !== undefined) return test.diagnostic(`seed ${seed}: ${found.slice(0, 200)}`)
      }
      assert.fail('nothing was found')
    })
})
