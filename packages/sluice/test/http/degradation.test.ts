import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { cachedOnly, Caller, degradation, readOnly, trust, type DegradationStep } from '../../src/http/index.ts'
import { isRejection, type Pressure } from '../../src/index.ts'

interface Request {
  readonly method: string
  readonly path: string
}

const reader = {
  method: ({ method }: Request): string => method,
  target: ({ path }: Request): string => path,
  header: (): undefined => undefined,
  peer: (): undefined => undefined,
}

/** A pressure that is what the test says. */
class Dial {
  level = 0
  get value(): Pressure {
    return { level: this.level, cause: 'dial' }
  }
  subscribe(): Disposable {
    return { [Symbol.dispose]: () => undefined }
  }
}

const asks = (method: string, path = '/'): Caller<Request> => new Caller({ method, path }, reader, trust([]))

describe('degradation', () => {
  const cached = { status: 200, headers: { 'x-from': 'cache' }, body: 'old news' }
  const steps: readonly DegradationStep<Request>[] = [
    readOnly(),
    cachedOnly(({ path }) => (path === '/news' ? cached : undefined)),
  ]

  it('S3.12 above 90 % nothing is written, above 95 % only what is cached is answered', () => {
    const pressure = new Dial()
    const given = degradation({ pressure, steps })
    const outcome = (method: string, path: string): string => {
      const instead = given.instead(asks(method, path))
      return isRejection(instead) ? instead.gate : instead === undefined ? 'served' : instead.body
    }
    for (const [level, get, post, news] of [
      [0.5, 'served', 'served', 'served'],
      [0.9, 'served', 'served', 'served'],
      [0.91, 'served', 'read-only', 'served'],
      [0.96, 'cached-only', 'cached-only', 'old news'],
    ] as const) {
      pressure.level = level
      assert.deepEqual(
        [outcome('GET', '/x'), outcome('POST', '/x'), outcome('GET', '/news')],
        [get, post, news],
        `${level}`,
      )
    }
    const refusal = given.instead(asks('POST'))
    assert.ok(isRejection(refusal))
    assert.deepEqual([refusal.code, refusal.load, refusal.limit], ['shed', 0.96, 0.95])
  })

  it('a step that answers later is refused in words: a promise would be written as the answer', () => {
    const pressure = new Dial()
    pressure.level = 0.96
    const lookup = (async () => undefined) as unknown as () => undefined
    const given = degradation({ pressure, steps: [cachedOnly(lookup)] })
    const message = /^degradation\.cached-only: expected an answer at once, got \[object Promise\]$/
    assert.throws(() => given.instead(asks('GET')), { name: 'RangeError', message })
  })

  it('S3.12 reading is GET and HEAD, and what the operator counts as reading besides', () => {
    const pressure = new Dial()
    pressure.level = 0.91
    const served = (step: DegradationStep<Request>): string[] => {
      const given = degradation({ pressure, steps: [step] })
      const methods = ['GET', 'HEAD', 'OPTIONS', 'POST', 'PUT', 'PATCH', 'DELETE', 'get']
      return methods.filter((method) => given.instead(asks(method)) === undefined)
    }
    assert.deepEqual(served(readOnly()), ['GET', 'HEAD'])
    assert.deepEqual(served(readOnly(0.9, ['GET', 'HEAD', 'OPTIONS'])), ['GET', 'HEAD', 'OPTIONS'])
  })

  it('S3.12 a step is lifted a tenth below, so that it does not flap; each change is told once', () => {
    const pressure = new Dial()
    const told: string[] = []
    const given = degradation({
      pressure,
      steps,
      onChange: (step, on, { level }) => void told.push(`${step} ${on} ${level}`),
    })
    for (const level of [0.91, 0.89, 0.91, 0.81, 0.96, 0.86, 0.85, 0.8, 0.79, 0.89]) {
      pressure.level = level
      given.instead(asks('GET'))
      given.instead(asks('POST'))
    }
    assert.deepEqual(told, [
      'read-only true 0.91',
      'cached-only true 0.96',
      'cached-only false 0.85',
      'read-only false 0.8',
    ])
    assert.deepEqual(given.steps, [])
  })

  it('steps are pluggable: by default writes stop above 0.9', () => {
    const pressure = new Dial()
    const given = degradation<Request>({
      pressure,
      steps: [{ name: 'no-search', above: 0.5, until: 0.5, instead: ({ path }) => path === '/search' }],
    })
    pressure.level = 0.6
    assert.ok(isRejection(given.instead(asks('GET', '/search'))))
    assert.equal(given.instead(asks('GET', '/')), undefined)
    assert.deepEqual(given.steps, ['no-search'])
    pressure.level = 0.5
    assert.equal(given.instead(asks('GET', '/search')), undefined)
    const standard = degradation<Request>({ pressure })
    pressure.level = 0.91
    assert.ok(isRejection(standard.instead(asks('DELETE'))))
  })

  it('S3.12 what is in force is told as it is, though nobody has come since the pressure fell', () => {
    const pressure = new Dial()
    const given = degradation({ pressure, steps })
    pressure.level = 1
    given.instead(asks('GET'))
    assert.deepEqual(given.steps, ['read-only', 'cached-only'])
    pressure.level = 0
    assert.deepEqual(given.steps, [])
  })

  it('a step that comes early is lifted all the same', () => {
    const pressure = new Dial()
    const given = degradation<Request>({ pressure, steps: [readOnly(0.05)] })
    pressure.level = 0.06
    given.instead(asks('GET'))
    assert.deepEqual(given.steps, ['read-only'])
    pressure.level = 0
    given.instead(asks('GET'))
    assert.deepEqual(given.steps, [])
  })

  it('refuses levels that make no sense', () => {
    const pressure = new Dial()
    for (const step of [{ above: -1 }, { above: Number.NaN }, { above: 0.5, until: 0.6 }, { above: 0.5, until: -0.1 }])
      assert.throws(() => degradation({ pressure, steps: [{ name: 'x', instead: () => true, ...step }] }), {
        name: 'RangeError',
        message: /^degradation\.steps\[0\]/,
      })
  })
})
