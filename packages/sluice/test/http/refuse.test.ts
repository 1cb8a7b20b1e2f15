import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { bodyFormat, refuse } from '../../src/http/index.ts'
import { REFUSALS, Rejection, type RejectionCode } from '../../src/index.ts'

const CODES = Object.keys(REFUSALS) as RejectionCode[]

describe('refuse', () => {
  it('S3.3 the three codes of the requirement: status, retry after, and the exact body', () => {
    const rows = [
      ['overload', 'SYSTEM_OVERLOAD', 5],
      ['queue_full', 'QUEUE_FULL', 1],
      ['queue_timeout', 'QUEUE_TIMEOUT', 2],
    ] as const
    for (const [code, wire, seconds] of rows) {
      const { status, headers, body } = refuse(new Rejection(code, 'api', 101, 100))
      assert.equal(status, 503)
      const message = `api refused: ${REFUSALS[code].means}`
      assert.equal(body, `{"success":false,"error":{"code":"${wire}","message":"${message}","retry_after":${seconds}}}`)
      assert.deepEqual(headers, {
        'content-type': 'application/json',
        'content-length': String(body.length),
        'cache-control': 'no-store',
        'sluice-rejection': `${code};gate="api";load=101;limit=100`,
        'retry-after': String(seconds),
        'retry-after-ms': String(seconds * 1000),
        // The limit of a wait is a time: no room for requests at once.
        ...(code !== 'queue_timeout' && {
          ratelimit: `"api";r=0;t=${seconds}`,
          'ratelimit-policy': '"api";q=100;qu="concurrent-requests"',
        }),
      })
    }
  })

  it('what the gate knows about coming back wins over the table; whole seconds are rounded up', () => {
    const { headers, body } = refuse(new Rejection('queue_full', 'api', 2, 1, 1200.2))
    assert.equal(headers['retry-after'], '2')
    assert.equal(headers['retry-after-ms'], '1201')
    assert.equal(JSON.parse(body).error.retry_after, 2)
  })

  it('refusals that differ in gate or seconds do not share a body, and many of them do not pile up', () => {
    for (let at = 0; at < 5000; at++) {
      const { body } = refuse(new Rejection('rate_limited', `gate ${at}`, 2, 1, at * 1000))
      const { error } = JSON.parse(body)
      assert.equal(error.retry_after, at)
      assert.ok(error.message.startsWith(`gate ${at} refused`))
    }
  })

  it('where coming back is pointless there is no retry-after', () => {
    for (const format of ['envelope', 'problem'] as const) {
      const { status, headers, body } = refuse(new Rejection('deadline', 'api', 9, 5), format)
      assert.equal(status, 504)
      assert.equal('retry-after' in headers || 'retry-after-ms' in headers, false)
      assert.match(body, /"retry_after":null/)
    }
  })

  it('S3.3 problem details on request: the types of the RateLimit draft where one fits', () => {
    const full = refuse(new Rejection('queue_full', 'api', 101, 100), 'problem')
    assert.equal(full.headers['content-type'], 'application/problem+json')
    assert.deepEqual(JSON.parse(full.body), {
      type: 'https://iana.org/assignments/http-problem-types#temporary-reduced-capacity',
      title: 'Request cannot be satisfied due to temporary server capacity constraints',
      status: 503,
      detail: `api refused: ${REFUSALS.queue_full.means}`,
      code: 'QUEUE_FULL',
      gate: 'api',
      retry_after: 1,
      load: 101,
      limit: 100,
    })
    const quota = refuse(new Rejection('rate_limited', 'tenant', 12.3456, 10), 'problem')
    assert.equal(quota.status, 429)
    const problem = JSON.parse(quota.body)
    assert.equal(problem.type, 'https://iana.org/assignments/http-problem-types#quota-exceeded')
    assert.deepEqual(problem['violated-policies'], ['tenant'])
    assert.equal(problem.load, 12.346)
    const closed = JSON.parse(refuse(new Rejection('closed', 'api', 1, 0), 'problem').body)
    assert.equal(closed.type, 'about:blank')
    assert.equal(closed.title, 'Service Unavailable')
  })

  it('content-length is the length in bytes, for every code and format, twice', () => {
    for (const code of CODES)
      for (const format of ['envelope', 'problem', 'envelope', 'problem'] as const) {
        const { status, headers, body } = refuse(new Rejection(code, 'café ☕', 1.5, Infinity), format)
        assert.equal(headers['content-length'], String(Buffer.byteLength(body)), `${code} ${format}`)
        assert.equal(status, REFUSALS[code].status)
        assert.doesNotThrow(() => JSON.parse(body))
      }
  })

  it('sluice-rejection is a structured field whatever the gate is called and the numbers are', () => {
    const field = (gate: string, load: number, limit: number): string | undefined =>
      refuse(new Rejection('shed', gate, load, limit)).headers['sluice-rejection']
    assert.equal(field('say "hi" \\o/', 1, 2), 'shed;gate="say \\"hi\\" \\\\o/";load=1;limit=2')
    assert.equal(field('café', 0.123456, 2), 'shed;gate=%"caf%c3%a9";load=0.123;limit=2')
    assert.equal(field('a\r\nb', 1, Infinity), 'shed;gate=%"a%0d%0ab";load=1')
    assert.equal(field('\ud800', Number.NaN, 1e-9), 'shed;gate=%"%ef%bf%bd";limit=0')
    assert.equal(field('big', 1e21, -5), 'shed;gate="big";limit=-5')
  })
})

describe('bodyFormat', () => {
  it('an accept header that names problem details gets them', () => {
    for (const accept of [
      'application/problem+json',
      'application/problem+json, application/json',
      'application/problem+json, application/*;q=0.9, */*;q=0.8',
      'application/json;q=0.4, application/problem+json; q=0.5',
      'application/json;q=0, application/problem+json;q=0.1, */*',
      'Application/Problem+JSON; charset=utf-8',
      'application/problem+json;q=0.01',
    ])
      assert.equal(bodyFormat(accept, 'envelope'), 'problem', accept)
  })

  it('S3.3 one that likes other JSON better gets that', () => {
    for (const accept of [
      'application/json, application/problem+json;q=0.5',
      'application/problem+json;q=0.8,application/json;q=0.9',
      'application/problem+json;q=0.5, application/*',
      'text/html, application/problem+json;q=0.1, */*;q=0.2',
      'application/problem+json;q=high',
    ])
      assert.equal(bodyFormat(accept, 'envelope'), 'envelope', accept)
  })

  it('any other gets what the operator chose', () => {
    for (const accept of [
      undefined,
      '',
      '*/*',
      'application/json',
      'application/problem+json;q=0',
      'application/problem+json ; q=0.000',
    ]) {
      assert.equal(bodyFormat(accept, 'envelope'), 'envelope', accept)
      assert.equal(bodyFormat(accept, 'problem'), 'problem', accept)
    }
  })
})
