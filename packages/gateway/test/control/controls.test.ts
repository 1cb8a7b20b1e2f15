import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { VirtualClock } from 'sluice/sim'
import { ConfigProblems, gatewayPlan, type GatewayPlan } from '../../src/config/index.ts'
import { Controls, type ControlsOptions } from '../../src/control/index.ts'

const plan = gatewayPlan({ flags: { upstream: 'http://127.0.0.1:3000', maxConcurrent: 40, queueCapacity: 10 } })

function stage(more: Partial<ControlsOptions> = {}) {
  const clock = new VirtualClock()
  const inForce: GatewayPlan[] = [plan]
  const log: string[] = []
  const controls = new Controls({
    plan,
    apply: async (next) => {
      inForce.push(next)
      return { waiting: [], hash: 'abc' }
    },
    audit: (line) => log.push(line),
    clock,
    ...more,
  })
  const permits = (): number => {
    const limit = inForce.at(-1)!.limits['default']!
    return limit.kind === 'fixed' ? limit.permits : -1
  }
  const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
  return { clock, controls, log, inForce, permits, settled, now: () => inForce.at(-1)! }
}

describe('what an operator can order', () => {
  it('forces a limit, which is as it was when its minutes are over', async () => {
    const { clock, controls, permits, settled, log, now } = stage()
    const { status, body } = await controls.commands.limit({ limit: 7, minutes: 10 })
    assert.deepEqual([status, body['message']], [200, 'default is 7 for 10 minutes'])
    assert.equal(permits(), 7)
    clock.advance(10 * 60_000 - 1)
    await settled()
    assert.equal(permits(), 7)
    clock.advance(1)
    await settled()
    assert.equal(permits(), 40)
    assert.deepEqual(now().limits, plan.limits)
    assert.deepEqual(log, [
      'control: limit {"limit":7,"minutes":10,"name":"default"} 200',
      'control: limit default is over',
    ])
  })

  it('a second order takes the place of the first, its minutes too', async () => {
    const { clock, controls, permits, settled } = stage()
    await controls.commands.limit({ limit: 7, minutes: 1 })
    await controls.commands.limit({ limit: 9, minutes: 5 })
    clock.advance(60_000)
    await settled()
    assert.equal(permits(), 9)
    clock.advance(4 * 60_000)
    await settled()
    assert.equal(permits(), 40)
  })

  it('stops refusing, for a quarter of an hour unless told otherwise, and goes on when told to', async () => {
    const { clock, controls, now, settled } = stage()
    await controls.commands.pause({})
    assert.equal(now().dryRun, true)
    clock.advance(15 * 60_000)
    await settled()
    assert.equal(now().dryRun, false)
    await controls.commands.pause({ minutes: 60 })
    await controls.commands.limit({ limit: 1, minutes: 60 })
    await controls.commands.resume({})
    assert.deepEqual([now().dryRun, now().limits], [false, plan.limits])
    clock.advance(3_600_000)
    await settled()
    assert.equal(now().dryRun, false)
  })

  it('a reload keeps what was laid over the plan, and its end is the end of that only', async () => {
    const next = gatewayPlan({ flags: { upstream: 'http://127.0.0.1:3000', maxConcurrent: 50, queueCapacity: 10 } })
    const { clock, controls, permits, settled } = stage({ read: async () => next })
    await controls.commands.limit({ limit: 7, minutes: 10 })
    const { status } = await controls.commands.reload({})
    assert.deepEqual([status, permits()], [200, 7])
    clock.advance(10 * 60_000)
    await settled()
    assert.equal(permits(), 50)
  })

  it('a plan that cannot be carried out changes nothing, and is told line by line', async () => {
    const problem = { place: 'a.yaml:3:1', field: 'limits.default.limit', got: '0', expected: 'at least 1' }
    const { controls, inForce, log } = stage({ read: () => Promise.reject(new ConfigProblems([problem])) })
    const { status, body } = await controls.commands.reload({})
    assert.equal(status, 422)
    assert.equal((body['errors'] as string[]).length, 1)
    assert.equal(inForce.length, 1)
    assert.deepEqual(log, ['control: reload {} 422'])
  })

  it('what makes no sense is told with its field, its value and what was expected, and changes nothing', async () => {
    const { controls, inForce } = stage()
    const minutes = 'a number of minutes from 1 to 1440'
    const limit = 'a whole number from 1 to 1000000'
    for (const [command, body, expected] of [
      ['limit', { limit: 0, minutes: 1 }, `limit is 0; expected ${limit}`],
      ['limit', { limit: 1.5, minutes: 1 }, `limit is 1.5; expected ${limit}`],
      ['limit', { limit: '50', minutes: 1 }, `limit is "50"; expected ${limit}`],
      ['limit', {}, `limit is missing; expected ${limit}`],
      ['limit', { limit: 5 }, `minutes is missing; expected ${minutes}`],
      ['limit', { limit: 5, minutes: 1e9 }, `minutes is 1000000000; expected ${minutes}`],
      ['limit', { limit: 5, minutes: 1, name: '' }, 'name is ""; expected the name of a limit'],
      ['limit', { limit: 5, minutes: 1, name: 'y' }, 'name is "y"; expected one of the limits: default'],
      [
        'limit',
        { limit: 5, minutes: 1, name: '__proto__' },
        'name is "__proto__"; expected one of the limits: default',
      ],
      [
        'limit',
        { limit: 5, minute: 1, minutes: 1 },
        'the body has "minute"; expected nothing but limit, minutes, name in an object',
      ],
      ['pause', { minutes: 'x' }, `minutes is "x"; expected ${minutes}`],
      ['pause', null, 'the body is null; expected nothing but minutes in an object'],
      ['pause', [5], 'the body is [5]; expected nothing but minutes in an object'],
      ['resume', { all: true }, 'the body has "all"; expected nothing in an object'],
    ] as const) {
      const answer = await controls.commands[command](body)
      assert.ok(answer.status === 400 || answer.status === 404, `${command} ${JSON.stringify(body)}: ${answer.status}`)
      assert.equal((answer.body['error'] as { message: string }).message, expected)
    }
    assert.equal(inForce.length, 1)
  })

  it('drains where it may, and reloads where there is something to read', async () => {
    let drained = 0
    assert.equal((await stage().controls.commands.drain({})).status, 409)
    assert.equal((await stage().controls.commands.reload({})).status, 409)
    assert.equal((await stage({ drain: () => drained++ }).controls.commands.drain({})).status, 200)
    assert.equal(drained, 1)
  })

  it('writes down who ordered what in one line, whatever was sent', async () => {
    const { controls, log } = stage()
    await controls.commands.limit({ limit: 5, minutes: 1, name: 'x\nsluice: all is well' })
    assert.equal(log.length, 1)
    assert.doesNotMatch(log[0]!, /\n/)
  })

  it('says who gave an order, and what holds until when', async () => {
    const { controls, log, clock, settled } = stage()
    const before = Date.now()
    await controls.commands.pause({ minutes: 1 }, '10.0.0.9')
    await controls.commands.limit({ limit: 7, minutes: 2 })
    await controls.commands.limit({ limit: 9, minutes: 3 })
    const [pause, limit, ...more] = controls.orders
    assert.deepEqual(more, [])
    assert.ok(pause?.kind === 'pause' && pause.until >= before + 60_000 && pause.until <= Date.now() + 60_000)
    assert.ok(limit?.kind === 'limit' && limit.to === 9 && limit.until >= before + 180_000)
    assert.equal(log[0], 'control: pause {"minutes":1} 200 from 10.0.0.9')
    clock.advance(60_000)
    await settled()
    assert.deepEqual(
      controls.orders.map(({ kind }) => kind),
      ['limit'],
    )
    await controls.commands.resume({})
    assert.deepEqual(controls.orders, [])
  })

  it('an order while a plan is taken over is laid over the new one, and takes nothing back', async () => {
    const next = gatewayPlan({ flags: { upstream: 'http://127.0.0.1:3000', maxConcurrent: 50, queueCapacity: 10 } })
    const inForce: GatewayPlan[] = []
    let busy = 0
    const { controls } = stage({
      async apply(taken) {
        assert.equal(busy++, 0, 'two at the same time')
        await new Promise((resolve) => setImmediate(resolve))
        inForce.push(taken)
        busy--
        return { waiting: [], hash: 'abc' }
      },
    })
    await Promise.all([
      controls.take(next),
      controls.commands.pause({}),
      controls.commands.limit({ limit: 3, minutes: 1 }),
    ])
    const last = inForce.at(-1)!
    const { default: limit } = last.limits
    assert.deepEqual([last.dryRun, limit?.kind === 'fixed' && limit.permits], [true, 3])
    await controls.commands.resume({})
    assert.deepEqual(inForce.at(-1), next)
    assert.equal(controls.plan, next)
  })

  it('the end of an order is not the end of one that has taken its place in that moment', async () => {
    const { controls, clock, settled } = stage()
    await controls.commands.limit({ limit: 3, minutes: 1 })
    const second = controls.commands.limit({ limit: 4, minutes: 5 })
    clock.advance(60_000)
    await second
    await settled()
    assert.deepEqual(
      controls.orders.map((order) => order.kind === 'limit' && order.to),
      [4],
    )
  })

  it('a plan that is refused leaves the one before, and what was ordered', async () => {
    let fails = false
    const { controls, log } = stage({
      apply: () => (fails ? Promise.reject(new Error('no')) : Promise.resolve({ waiting: [], hash: 'abc' })),
    })
    await controls.commands.pause({})
    fails = true
    assert.equal((await controls.commands.limit({ limit: 3, minutes: 1 })).status, 500)
    assert.match(log.at(-1)!, /^control: limit .* 500$/)
    await assert.rejects(controls.take({ ...plan, dryRun: true }))
    assert.deepEqual(
      controls.orders.map(({ kind }) => kind),
      ['pause'],
    )
    assert.equal(controls.plan, plan)
  })
})
