import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  adaptiveLifo,
  codel,
  earliestDeadline,
  fair,
  fifo,
  lifo,
  priority,
  type QueueDiscipline,
} from '../../src/index.ts'
import { LineUp } from './line-up.ts'

const disciplines: Readonly<Record<string, QueueDiscipline>> = {
  fifo: fifo(),
  lifo: lifo(),
  codel: codel(),
  'adaptive lifo': adaptiveLifo(),
  'earliest deadline': earliestDeadline(),
  priority: priority(),
  fair: fair({ hand: 1 }),
}

const wait = ({ queue }: LineUp): number => queue.expectedWait!({ flow: 'a' })

describe('S1.4 what a newcomer would wait', () => {
  for (const [name, discipline] of Object.entries(disciplines)) {
    /** Five came; two were let out, 10 ms apart, and somebody came between. */
    const measured = (): LineUp => {
      const line = new LineUp(discipline)
      for (const who of ['a', 'b', 'c', 'd', 'e']) line.push(who, { flow: 'a' })
      line.take()
      line.push('f', { flow: 'a' })
      line.now += 10
      line.take()
      return line
    }

    it(`${name}: nothing is said before two were let out`, () => {
      const line = new LineUp(discipline)
      for (const who of ['a', 'b', 'c']) line.push(who, { flow: 'a' })
      line.now += 10
      line.take()
      assert.equal(wait(line), 0)
    })

    it(`${name}: as long as those who wait take to be let out, whoever comes in between`, () => {
      assert.equal(wait(measured()), 40)
    })

    it(`${name}: the time in which nobody waited does not count, though the last one left of itself`, () => {
      const line = measured()
      const refuse = (): void => assert.fail('nobody is too late')
      for (let left = line.queue.size; left > 0; left--) line.queue.remove(line.queue.next(line.now, refuse)!)
      line.now += 10_000
      for (const who of ['x', 'y', 'z']) line.push(who, { flow: 'a' })
      line.take()
      assert.equal(wait(line), 20, 'two wait, 10 ms each')
    })
  }
})
