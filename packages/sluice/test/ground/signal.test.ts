import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Source, worst, type Pressure } from '../../src/ground/index.ts'

describe('Source', () => {
  it('is computed only when somebody asks or listens', () => {
    let reads = 0
    const source = new Source(() => ++reads)
    source.changed()
    assert.equal(reads, 0)
    assert.equal(source.value, 1)
    using _subscription = source.subscribe(() => {})
    source.changed()
    assert.equal(reads, 2)
  })

  it('tells each subscription once, until it is disposed', () => {
    let value = 1
    const source = new Source(() => value)
    const seen: number[] = []
    const listener = (heard: number): void => void seen.push(heard)
    const first = source.subscribe(listener)
    const second = source.subscribe(listener)
    source.changed()
    assert.deepEqual(seen, [1, 1])
    first[Symbol.dispose]()
    first[Symbol.dispose]()
    value = 2
    source.changed()
    assert.deepEqual(seen, [1, 1, 2])
    second[Symbol.dispose]()
    source.changed()
    assert.equal(seen.length, 3)
  })

  it('bears a listener that ends its own subscription or makes another', () => {
    const source = new Source(() => 0)
    let calls = 0
    const once = source.subscribe(() => {
      calls++
      once[Symbol.dispose]()
    })
    source.changed()
    source.changed()
    assert.equal(calls, 1)
  })

  it('bears one that listens anew each time, and tells it once', () => {
    const source = new Source(() => 0)
    using _other = source.subscribe(() => {})
    let calls = 0
    let subscription: Disposable
    const anew = (): void => {
      subscription[Symbol.dispose]()
      if (++calls < 100) subscription = source.subscribe(anew)
    }
    subscription = source.subscribe(anew)
    source.changed()
    assert.equal(calls, 1)
    source.changed()
    assert.equal(calls, 2)
  })

  it('does not tell one that another has ended meanwhile', () => {
    const source = new Source(() => 0)
    using _first = source.subscribe(() => second[Symbol.dispose]())
    const second = source.subscribe(() => assert.fail('told after its end'))
    source.changed()
  })

  it('tells all of one change after the other, also where a listener causes the next', () => {
    let value = 'open'
    const source = new Source(() => value)
    const heard: string[] = []
    using _first = source.subscribe((told) => {
      heard.push(`first ${told}`)
      if (told !== 'open') return
      value = 'closed'
      source.changed()
    })
    using _second = source.subscribe((told) => heard.push(`second ${told}`))
    source.changed()
    assert.deepEqual(heard, ['first open', 'second open', 'first closed', 'second closed'])
    source.changed()
    assert.deepEqual(heard.slice(4), ['first closed', 'second closed'], 'and again afterwards')
  })
})

describe('worst', () => {
  const probe = (cause: string): { level: number; source: Source<Pressure> } => {
    const state = { level: 0 }
    return Object.assign(state, { source: new Source<Pressure>(() => ({ level: state.level, cause })) })
  }

  it('is the highest, with its cause', () => {
    const [a, b] = [probe('a'), probe('b')]
    const both = worst(a.source, b.source)
    a.level = 0.5
    b.level = 0.9
    assert.deepEqual(both.value, { level: 0.9, cause: 'b' })
    a.level = 1.2
    assert.deepEqual(both.value, { level: 1.2, cause: 'a' })
  })

  it('is nothing where there is nothing', () => {
    assert.deepEqual(worst().value, { level: 0, cause: 'nothing' })
  })

  it('announces what its parts announce, and listens no longer than it is listened to', () => {
    const [a, b] = [probe('a'), probe('b')]
    const seen: Pressure[] = []
    const subscription = worst(a.source, b.source).subscribe((pressure) => seen.push(pressure))
    b.level = 0.7
    b.source.changed()
    assert.deepEqual(seen, [{ level: 0.7, cause: 'b' }])
    subscription[Symbol.dispose]()
    a.source.changed()
    assert.equal(seen.length, 1)
  })
})
