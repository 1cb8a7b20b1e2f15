import assert from 'node:assert/strict'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { fileURLToPath, pathToFileURL } from 'node:url'
import * as fastCheck from 'fast-check'
import type * as Stream from '../../src/stream/index.ts'
import { channelLaws } from '../../src/testing/channel-laws.ts'
import type { LawRunner, PropertyTester } from '../../src/testing/index.ts'

const root = fileURLToPath(new URL('../../../../../', import.meta.url))
const library = join(root, 'packages/sluice/dist/src')

/** What is broken, where, and by which change; the laws must find each. */
const MUTANTS: readonly (readonly [what: string, file: string, from: string, to: string])[] = [
  ['a drop is not counted', 'channel', 'this.#dropped[reason]++;', ''],
  ['a refusal is not counted', 'channel', 'this.#rejected[reason]++;', ''],
  ['a drop is not told', 'channel', 'tell(this.#clock, this.#options.onDrop, lost, reason);', ''],
  ['a refusal is not told', 'channel', 'tell(this.#clock, this.#options.onDrop, item, reason);', ''],
  ['a direct hand-over is not counted', 'channel', 'this.#taken++;\n            taker.putAway', 'taker.putAway'],
  ['one too many', 'channel', 'this.#items.size < this.capacity', 'this.#items.size <= this.capacity'],
  ['a listener stays on the signal of a taker', 'taker', 'unwatchAbort(this.signal, this)', ''],
  ['a timer stays behind a sender', 'sender', 'this.timer?.cancel();', ''],
  ['a listener stays behind a sender', 'sender', 'unwatchAbort(this.signal, this)', ''],
  ['resume comes twice', 'watermarks', '!this.paused ||', ''],
  ['resume never comes', 'watermarks', 'size > this.#low', 'size >= this.#low'],
  [
    'the answer is older than the resume',
    'channel',
    "return this.#marks.paused ? 'pause' : 'ok';",
    "return this.#items.size > 0 ? 'pause' : 'ok';",
  ],
  ['whoever left takes an item', 'channel', 'this.#takers.remove(taker);', ''],
  [
    'room is not given to who waits for it',
    'channel',
    'const sender = this.#senders.shift();\n        if (sender',
    'const sender = undefined;\n        if (sender',
  ],
  ['the last in line is served first', 'chain', 'const { head } = this;', 'const head = this.#tail;'],
  ['the ring forgets where it began', 'ring', '(this.#head + this.#size) &', '(this.#size) &'],
  [
    'close leaves takers waiting',
    'channel',
    'this.#closed = true;\n        this.#dismissTakers();',
    'this.#closed = true;',
  ],
  ['abort leaves senders waiting', 'channel', 'sender.refuse(this.#failure.reason);', ''],
  [
    'abort does not tell what it drops',
    'channel',
    "tell(this.#clock, onDrop, items.shift(), 'aborted')",
    'items.shift()',
  ],
  [
    'abort keeps producers paused',
    'channel',
    "sender.item, 'closed');\n        }\n        this.#fell();",
    "sender.item, 'closed');\n        }",
  ],
  ['what a listener throws hits the producer', 'ground/tell', 'throwLater(clock, error);', 'throw error;'],
  ['somebody else is drawn than leaves', 'lottery', 'last.place = ticket.place;', ''],
]

// Which law a mutant breaks is of interest, not the smallest script that breaks it.
const fc: PropertyTester = {
  ...fastCheck,
  assert: (property, options) =>
    fastCheck.assert(property as fastCheck.IAsyncProperty<unknown>, { ...options, endOnFailure: true }),
}

/** The first thing the laws have against a channel. */
async function objection(channel: typeof Stream.channel): Promise<string | undefined> {
  const bodies: (() => Promise<void>)[] = []
  const runner: LawRunner = { describe: (_, body) => body(), it: (_, body) => bodies.push(body) }
  for (const policy of ['block', 'drop-oldest', 'drop-random'] as const)
    for (const capacity of [2, 5, 24])
      channelLaws(policy, runner, fc, (world) => channel({ capacity, policy, ...world }), { runs: 100, length: 80 })
  for (const body of bodies) {
    try {
      await body()
    } catch (error) {
      const { message, cause } = error as Error
      return cause instanceof Error ? cause.message : message
    }
  }
  return undefined
}

describe('the channel laws', () => {
  const cache = join(root, '.cache')
  mkdirSync(cache, { recursive: true })
  const folder = mkdtempSync(join(cache, 'channel-mutants-'))
  after(() => rmSync(folder, { recursive: true, force: true }))

  /** A channel made of the library's files, one of them changed. */
  async function mutant(number: number, file: string, from: string, to: string): Promise<typeof Stream.channel> {
    const home = join(folder, String(number))
    for (const floor of ['ground', 'stream']) cpSync(join(library, floor), join(home, floor), { recursive: true })
    const path = join(home, file.includes('/') ? `${file}.js` : `stream/${file}.js`)
    const text = readFileSync(path, 'utf8')
    assert.ok(text.includes(from), `${file}.js has no ${from}`)
    writeFileSync(path, text.replaceAll(from, to))
    const made = (await import(pathToFileURL(join(home, 'stream/channel.js')).href)) as typeof Stream
    return made.channel
  }

  it('find nothing in the channel itself', async () => {
    assert.equal(await objection(await mutant(0, 'ground/tell', 'listener', 'listener')), undefined)
  })

  for (const [at, [what, file, from, to]] of MUTANTS.entries())
    it(`find out when ${what}`, async () => {
      assert.match(
        (await objection(await mutant(at + 1, file, from, to))) ?? 'nothing',
        /law \d+ is broken|a listener of the channel laws throws/,
      )
    })
})
