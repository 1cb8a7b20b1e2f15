import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { buffer, window, type Operated, type OperatorOptions } from '../../src/stream/index.ts'
import { HandFed, settle } from './settle.ts'

const OPERATORS: Readonly<
  Record<string, (source: AsyncIterable<number>, options?: OperatorOptions<number>) => Operated<unknown>>
> = {
  buffer: (source, options) => buffer(source, { count: 2, ...options }),
  window: (source, options) => window(source, { count: 2, ...options }),
}

/** A source whose iterator does not keep to promises: gives or throws whatever `next` does, then and there. */
function sourceOf(next: () => unknown): AsyncIterable<number> {
  return { [Symbol.asyncIterator]: () => ({ next }) as unknown as AsyncIterator<number> }
}

for (const [name, operator] of Object.entries(OPERATORS))
  describe(`${name} reads a source`, () => {
    it('S0.6 that throws instead of answering: an error like any other, told once', async () => {
      const operated = operator(
        sourceOf(() => {
          throw new Error('thrown at once')
        }),
      )
      await assert.rejects(operated.next(), /thrown at once/)
      assert.equal((await operated.next()).done, true)
    })

    it('S0.6 that throws so in the middle, when nobody but a promise would hear of it', async () => {
      let times = 0
      const operated = operator(
        sourceOf(() => {
          if (times++ > 0) throw new Error('thrown later')
          return Promise.resolve({ done: false, value: 1 })
        }),
      )
      const told: unknown[] = []
      const read = async (): Promise<void> => {
        for await (const each of operated)
          for await (const item of each as AsyncIterable<number> | number[]) told.push(item)
      }
      await assert.rejects(read(), /thrown later/)
      assert.deepEqual(told, [1])
    })

    it('S0.6 that answers without a promise', async () => {
      const results = [{ done: false, value: 1 }, { done: true }]
      const operated = operator(sourceOf(() => results.shift()))
      const { value } = await operated.next()
      const items: unknown[] = []
      for await (const item of value as AsyncIterable<number> | number[]) items.push(item)
      assert.deepEqual(items, [1])
      assert.equal((await operated.next()).done, true)
    })

    it('S0.6 that answers with nothing at all: an error for who asked, and no rejection that nobody handles', async () => {
      for (const result of [undefined, null, 5]) {
        const operated = operator(
          sourceOf(() => Promise.resolve(result)),
          {},
        )
        await assert.rejects(operated.next(), TypeError)
        assert.equal((await operated.next()).done, true)
      }
    })

    it('S0.6 no further once it is left, whoever asks meanwhile', async () => {
      const source = new HandFed<number>()
      const answers: Promise<IteratorResult<unknown>>[] = []
      const operated: Operated<unknown> = operator(source, { onDrop: () => answers.push(operated.next()) })
      // What the window has opened with is held, and so is the half of a batch.
      void operated.next()
      source.feed(1)
      await settle()
      const { asked } = source
      await operated.return()
      assert.deepEqual([source.asked, source.returned, operated.stats.dropped], [asked, 1, 1])
      assert.deepEqual(await Promise.all(answers), [{ done: true, value: undefined }])
    })
  })
