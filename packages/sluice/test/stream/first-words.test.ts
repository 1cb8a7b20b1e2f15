import assert from 'node:assert/strict'
import { EventEmitter } from 'node:events'
import { describe, it } from 'node:test'
import {
  audit,
  buffer,
  channel,
  conflate,
  debounce,
  fromPush,
  mapConcurrent,
  pull,
  sample,
  throttle,
  window,
} from '../../src/index.ts'
import { loose } from '../loose.ts'

const bounds = { capacity: 4, policy: 'reject' }
const work = (item: unknown): unknown => item
const refused: readonly (readonly [what: string, attempt: () => unknown, message: RegExp])[] = [
  ['channel()', () => loose(channel)(), /^channel: expected an object of options, got undefined$/],
  ['channel(10)', () => loose(channel)(10), /^channel: expected an object of options, got 10$/],
  ['mapConcurrent of two', () => loose(mapConcurrent)([1], work), /^mapConcurrent: .*options, got undefined$/],
  ['mapConcurrent by number', () => loose(mapConcurrent)([1], work, 3), /^mapConcurrent: .*options, got 3$/],
  [
    'options before the work',
    () => loose(mapConcurrent)([1], { concurrency: 3 }, work),
    /^mapConcurrent: .*a function$/,
  ],
  ['no work', () => loose(mapConcurrent)([1], 5, { concurrency: 3 }), /^mapConcurrent\.work: .*function, got 5$/],
  ['no source', () => loose(mapConcurrent)(5, work, { concurrency: 3 }), /^mapConcurrent\.source: .*iterable, got 5$/],
  [
    'no source at all',
    () => loose(mapConcurrent)(null, work, { concurrency: 3 }),
    /^mapConcurrent\.source: .*got null$/,
  ],
  [
    'no gate',
    () => loose(mapConcurrent)([1], work, { concurrency: 3, gate: 5 }),
    /^mapConcurrent\.gate: .*gate, got 5$/,
  ],
  ['pull from nothing', () => loose(pull)(undefined, work), /^mapConcurrent\.source: .*iterable, got undefined$/],
  [
    'buffer of a list',
    () => loose(buffer)([1], { count: 2 }),
    /^buffer\.source: expected an async iterable, got a list of 1$/,
  ],
  ['buffer()', () => loose(buffer)([1]), /^buffer: expected an object of options, got undefined$/],
  ['window of a list', () => loose(window)([1], { count: 2 }), /^window\.source: .*async iterable, got a list of 1$/],
  ['throttle of a number', () => loose(throttle)(5, { every: 10 }), /^throttle\.source: .*async iterable, got 5$/],
  ['throttle by number', () => loose(throttle)([1], 10), /^throttle: expected an object of options, got 10$/],
  ['sample of a list', () => loose(sample)([1], { every: 10 }), /^sample\.source: .*async iterable, got/],
  ['audit of a list', () => loose(audit)([1], { every: 10 }), /^audit\.source: .*async iterable, got/],
  ['debounce of a list', () => loose(debounce)([1], { quiet: 10 }), /^debounce\.source: .*async iterable, got/],
  ['conflate of a list', () => loose(conflate)([1], { keys: 10 }), /^conflate\.source: .*async iterable, got/],
  ['fromPush()', () => loose(fromPush)(), /^fromPush: expected an object of options, got undefined$/],
  [
    'events of nothing',
    () => loose(fromPush)(undefined, { event: 'x', ...bounds }),
    /^fromPush\.source: .*got undefined$/,
  ],
  [
    'events of an object',
    () => loose(fromPush)({}, { event: 'x', ...bounds }),
    /^fromPush\.source: .*emitter.*got \[object/,
  ],
  ['an emitter, no event', () => loose(fromPush)(new EventEmitter(), bounds), /^fromPush\.source: .*name of an event/],
]

describe('what a newcomer types first, of flows', () => {
  for (const [what, attempt, message] of refused)
    it(`${what} is refused at once, in words`, () => assert.throws(attempt, { name: 'RangeError', message }))

  it('S0.5 a string is a source, letter by letter', async () => {
    const out: string[] = []
    for await (const letter of mapConcurrent('abc', (one) => one.toUpperCase(), { concurrency: 2 })) out.push(letter)
    assert.deepEqual(out, ['A', 'B', 'C'])
  })

  it('S0.5 what iterates both ways is read as an async source', async () => {
    const both = {
      *[Symbol.iterator]() {
        yield 'sync'
      },
      async *[Symbol.asyncIterator]() {
        yield 'async'
      },
    }
    for await (const item of mapConcurrent(both, (one) => one, { concurrency: 1 })) assert.equal(item, 'async')
  })
})
