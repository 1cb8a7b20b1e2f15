import assert from 'node:assert/strict'
import { PassThrough } from 'node:stream'
import { describe, it } from 'node:test'
import { amqpConsumer } from '../../src/consumers/amqp.ts'
import { bullmqConsumer, jobConsumer } from '../../src/consumers/bullmq.ts'
import { kafkaConsumer, kafkaStreamConsumer } from '../../src/consumers/kafka.ts'
import { ndjson, sse, writer } from '../../src/flows/stream.ts'
import { websocket } from '../../src/flows/ws.ts'
import { loose } from '../loose.ts'

const refused: readonly (readonly [what: string, attempt: () => unknown, message: RegExp])[] = [
  ['sse()', () => loose(sse)(new PassThrough()), /^sse: expected an object of options, got undefined$/],
  ['ndjson()', () => loose(ndjson)(new PassThrough()), /^ndjson: expected an object of options, got undefined$/],
  ['websocket()', () => loose(websocket)({}), /^websocket: expected an object of options, got undefined$/],
  // Its first message would be lost, and counted as sent.
  [
    'websocket() of one that connects still',
    () => loose(websocket)({ readyState: 0 }, { policy: 'block' }),
    /^websocket\.socket: expected one that is open .*got 0$/,
  ],
  ['writer()', () => loose(writer)(), /^writer\.writable: expected a Writable of Node .*, got undefined$/],
  ['writer of a path', () => loose(writer)('file'), /^writer\.writable: expected a Writable of Node .*, got "file"$/],
  // Found out with the first message, a consumer without work would try that for ever.
  [
    'amqpConsumer of no work',
    () => loose(amqpConsumer)('jobs'),
    /^amqpConsumer\.work: expected a function, got undefined$/,
  ],
  ['bullmqConsumer of a name', () => loose(bullmqConsumer)('jobs'), /^bullmqConsumer\.work: .*got "jobs"$/],
  ['jobConsumer of no work', () => loose(jobConsumer)({ most: 5 }), /^jobConsumer\.work: .*got \[object Object\]$/],
  ['kafkaConsumer of no work', () => loose(kafkaConsumer)({}), /^kafkaConsumer\.work: .*got undefined$/],
  [
    'kafkaStreamConsumer of no work',
    () => loose(kafkaStreamConsumer)({}, {}),
    /^kafkaStreamConsumer\.work: .*got undefined$/,
  ],
]

describe('what a newcomer types first, of streams and consumers', () => {
  for (const [what, attempt, message] of refused)
    it(`${what} is refused at once, in words`, () => assert.throws(attempt, { name: 'RangeError', message }))
})
