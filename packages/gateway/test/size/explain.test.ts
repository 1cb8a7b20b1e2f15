import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { explainSize, size } from '../../src/size/index.ts'

describe('explainSize', () => {
  it('S3.1 says which resource binds and by how much', () => {
    const text = explainSize(size({ pool: 100, workers: 4, tasks: 100 }))
    assert.match(text, /^at most 80 at once: the pool binds, 200 below the next, the CPU/)
    assert.match(text, /^ {2}cpu {5}280 {2}4 workers x 100 tasks x 0\.7$/m)
    assert.match(explainSize(size({ pool: 350, workers: 4, tasks: 100 })), /equally tight/)
    assert.match(explainSize(size({ pool: 100 })), /the pool decides, nothing else is known/)
    assert.match(explainSize(size({ ram: 100, perRequest: 0.0004 })), /100 - 0\) MB \/ 0\.0004 MB x 0\.8/)
    assert.match(explainSize(size({ rps: 0.1, latency: 5 })), /keeps 0\.0005 busy on average, 1 with a fifth/)
  })

  it('S3.1 says in words whether the demand fits', () => {
    const words = (pool: number): string => explainSize(size({ pool, rps: 1500, latency: 50 }))
    assert.match(words(200), /75 busy on average, 90 with a fifth in reserve; there is room for 160\. It fits\./)
    assert.match(words(100), /80 are 10 fewer than that: the average fits \(up to 1,600\/s\), the reserve does not/)
    assert.match(words(60), /Demand exceeds capacity: 48 at once serve 960\/s at most, so 36 % must be refused/)
  })

  it('S3.1 says what a p95 target leaves', () => {
    const words = (p95: number): string => explainSize(size({ pool: 100, latency: 50, p95 }))
    assert.match(words(200), /leaves 150 ms for waiting: at 80 at once, let at most 240 wait\./)
    assert.match(words(40), /no limit can keep it/)
  })
})
