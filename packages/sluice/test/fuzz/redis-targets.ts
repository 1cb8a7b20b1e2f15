import assert from 'node:assert/strict'
import type { SlotNews, SlotReply, SlotReport } from '../../src/coordinate/index.ts'
import { redisBuckets, redisSlots, type RedisPort } from '../../src/redis/index.ts'
import { BUDGET, STATEMENT } from './bucket-statement.ts'
import type { FuzzTarget } from './fuzz-target.ts'

const REPORT: SlotReport = {
  session: 's',
  life: 1,
  seq: 1,
  granted: 0,
  returned: 0,
  limit: 4,
  lease: 2000,
  queue: 0,
  strict: false,
  leaves: false,
  waiting: [0, 0, 0, 0],
  demand: [],
  spare: 0,
}
const NUMBERS = [0, 4, 0, 1, 0, 0, 0, 0, 0, 0, 1, 1, 2, 7, 0, 2, 0, 0, 0, 0, 1, 1, 0, 9, 0]
const REPLY = JSON.stringify(NUMBERS)

/** A server that answers every script with this, and says it on every channel. */
class Garbage implements RedisPort {
  reply: unknown = ''
  said: ((message: string) => void) | undefined

  run(): Promise<unknown> {
    return Promise.resolve(this.reply)
  }

  subscribe(_channel: string, heard: (message: string) => void): Promise<() => Promise<void>> {
    this.said = heard
    return Promise.resolve(async () => {})
  }

  info(): Promise<string> {
    return Promise.resolve('')
  }

  close(): Promise<void> {
    return Promise.resolve()
  }
}

function assertNumbers(value: SlotReply | SlotNews): void {
  for (const each of Object.values(value)) for (const one of [each].flat()) assert.notEqual(typeof one, 'object')
  assert.ok([value.life, value.number, value.granted, value.used, value.until].every((one) => typeof one === 'number'))
}

const GRANT = '[3,0,9000]'
const NEWS = '[2,0,9000,1000,500,7,"2 20"]'

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return text
  }
}

function assertFinite(value: unknown): void {
  if (typeof value === 'number') assert.ok(Number.isFinite(value), String(value))
  else if (typeof value === 'object' && value !== null) Object.values(value).forEach(assertFinite)
}

const port = new Garbage()
const account = redisBuckets(port).open(BUDGET, 't', 's')
const slots = redisSlots(port, { key: 'k' })
let news: SlotNews | undefined
slots.listen('s', (told) => (news = told))

export const targets: readonly FuzzTarget[] = [
  {
    name: 'redis-replies',
    weight: 8,
    isAsync: true,
    seeds: [REPLY, '[]', '[1,2,3]', 'null', JSON.stringify(NUMBERS.slice(10))],
    words: ['null', '[', ']', ',', '"1"', '1e999', '{}', '-1'],
    async check(input) {
      for (const reply of [input, Buffer.from(input), [input], Number(input), null]) {
        port.reply = reply
        const answers: (SlotReply | Error)[] = []
        await new Promise<void>((resolve) =>
          slots.sync(REPORT, (answer) => {
            answers.push(answer)
            resolve()
          }),
        )
        assert.equal(answers.length, 1)
        const [answer] = answers
        if (answer instanceof Error) assert.match(answer.message, /^redisSlots: /)
        else assertNumbers(answer!)
      }
      news = undefined
      port.said?.(input)
      if (news !== undefined) assertNumbers(news)
    },
  },
  {
    name: 'redis-bucket-replies',
    weight: 6,
    isAsync: true,
    seeds: [GRANT, NEWS, '[]', 'null', '[1]'],
    words: ['null', '[', ']', ',', '"1"', '1e999', '{}', '-1', '"0 0"', '"x"'],
    async check(input) {
      for (const reply of [parsed(input), input]) {
        port.reply = reply
        const answer = await account.state(STATEMENT).catch((error: unknown) => error)
        if (answer instanceof Error) assert.equal(answer.message, 'redisBuckets: an answer that makes no sense')
        else {
          assertFinite(answer)
          // What is right must be taken.
          if (input === GRANT) assert.equal((answer as { granted: boolean }).granted, true)
        }
      }
    },
  },
]
