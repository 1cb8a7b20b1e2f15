import assert from 'node:assert/strict'
import { EventEmitter } from 'node:events'
import { describe, it } from 'node:test'
import { jobConsumer } from '../../src/consumers/bullmq.ts'
import { clientInterceptor } from '../../src/grpc/index.ts'
import { poolGuard, protect } from '../../src/pools/pg.ts'
import { breaker } from '../../src/index.ts'
import { loose } from '../loose.ts'

/** Whoever lets the user bring a gate. */
const takers: Readonly<Record<string, (gate: unknown) => unknown>> = {
  'a consumer of jobs': (gate) => loose(jobConsumer)(() => 1, { gate }),
  'an interceptor of gRPC': (gate) => loose(clientInterceptor)({ gate }),
  'a guard of a pool': (gate) => loose(poolGuard)({ size: 1 }, { gate }),
  'a pool of node-postgres': (gate) =>
    loose(protect)(Object.assign(new EventEmitter(), { options: { max: 1 } }), { gate }),
}

describe('what is given for a gate and is none', () => {
  for (const [what, take] of Object.entries(takers))
    it(`${what} says so at once`, () => {
      for (const [gate, got] of [
        [5, '5'],
        [breaker, 'a function'],
        [{}, '[object Object]'],
      ] as const)
        assert.throws(() => take(gate), { name: 'RangeError', message: `gate: expected a gate, got ${got}` })
    })
})
