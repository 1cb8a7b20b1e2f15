import { checkNumber, checkWhole } from '../ground/index.ts'
import { answers, Bench, expect, get, pause, PERMITS, PLACES, type LawGate } from './http-law-bench.ts'
import { failing, heads, isRefusal, partOne, pipelines, refusals } from './http-law-clients.ts'
import type { HttpLawsOptions, HttpLawsParts, HttpLawsRunner, LawHandler } from './http-law.ts'

export type {
  HttpLawsOptions,
  HttpLawsParts,
  HttpLawsRunner,
  LawConnection,
  LawExchange,
  LawHandler,
  LawServer,
} from './http-law.ts'

const IN_PARTS: LawHandler = (exchange) => exchange.write('part one ')

/**
 * The laws every HTTP door is held to, over real connections, whatever clients and handlers do. Each sends `requests` of
 * them, as many at once as fit. After each the gate holds nothing, every permit has ended once, and at no time were more
 * requests in progress than permits.
 */
export function httpLaws(
  name: string,
  runner: HttpLawsRunner,
  parts: HttpLawsParts,
  { requests = 1000, patience = 10_000 }: HttpLawsOptions = {},
): void {
  checkWhole('requests', requests, PERMITS)
  checkNumber('patience', patience, 1)
  const waves = Math.ceil(requests / PERMITS)

  const law = (title: string, prove: (bench: Bench) => Promise<void>, gate: LawGate = {}): void => {
    runner.it(title, async () => {
      const bench = await Bench.open(parts, patience, gate)
      try {
        await prove(bench)
        await bench.settled()
      } finally {
        await bench.close()
      }
    })
  }

  /** A law that does the same to one crowd after the other. */
  const lawOfWaves = (title: string, prove: (bench: Bench) => Promise<unknown>, gate: LawGate = {}): void =>
    law(
      title,
      async (bench) => {
        for (let wave = 0; wave < waves; wave++) await prove(bench)
      },
      gate,
    )

  runner.describe(`HTTP laws: ${name}`, () => {
    law('served: the permit ends as success with the response', async (bench) => {
      for (let wave = 0; wave < waves; wave++) {
        const clients = await bench.full()
        bench.answerAll()
        await bench.answered(clients)
        await bench.holds(0, 0)
        bench.forget(clients)
      }
      bench.ended({ success: waves * PERMITS })
    })

    law('queued, then served', async (bench) => {
      for (let wave = 0; wave < waves; wave += 3) {
        bench.handle = () => undefined
        const clients = [...(await bench.full()), ...(await bench.crowd(PLACES))]
        await bench.holds(PERMITS, PLACES)
        bench.answerFromNowOn()
        await bench.answered(clients)
        await bench.holds(0, 0)
        bench.forget(clients)
      }
      bench.ended({ success: Math.ceil(waves / 3) * (PERMITS + PLACES) })
    })

    law(
      'refused because the queue is full: status, headers, body, and the handler never hears of it',
      async (bench) => {
        await bench.full()
        await bench.crowd(PLACES)
        await bench.holds(PERMITS, PLACES)
        const detail = `load=${PLACES + 1};limit=${PLACES}`
        await refusals(bench, waves, { code: 'queue_full', seconds: 1, detail })
        expect(bench.calls === PERMITS, `the handler called ${PERMITS} times, not ${bench.calls}`)
        bench.answerFromNowOn()
      },
    )

    law(
      'refused because the reject threshold is reached: SYSTEM_OVERLOAD',
      async (bench) => {
        await bench.full()
        const detail = `load=${PERMITS + 1};limit=${PERMITS}`
        await refusals(bench, waves, { code: 'overload', seconds: 5, detail })
        bench.answerFromNowOn()
      },
      { threshold: PERMITS },
    )

    law(
      'queue timeout: whoever waited too long is told so, and is never served',
      async (bench) => {
        await bench.full()
        for (let wave = 0; wave < waves; wave += 2) {
          const clients = await bench.crowd(PLACES)
          for (const { connection } of clients) {
            await bench.until('the refusal', () => answers(connection).length === 1)
            isRefusal(answers(connection)[0]!, { code: 'queue_timeout', seconds: 2, detail: '' })
          }
          bench.forget(clients)
        }
        expect(bench.calls === PERMITS, `the handler called ${PERMITS} times, not ${bench.calls}`)
        bench.answerFromNowOn()
      },
      { maxWait: 25 },
    )

    law('the client leaves while queued: it waits no longer and is never served', async (bench) => {
      const served = await bench.full()
      for (let wave = 0; wave < waves; wave += 2) {
        const clients = await bench.crowd(PLACES)
        await bench.holds(PERMITS, PLACES)
        bench.leave(clients)
        await bench.holds(PERMITS, 0)
      }
      bench.answerAll()
      await bench.answered(served)
      await bench.holds(0, 0)
      expect(bench.calls === PERMITS, `the handler called ${PERMITS} times, not ${bench.calls}`)
      bench.ended({ success: PERMITS })
    })

    for (const [how, title] of [
      ['leave', 'the client leaves while served: the permit ends as ignored'],
      ['reset', 'the client resets its connection while served'],
      ['finish', 'the client half-closes its connection while served'],
    ] as const)
      law(title, async (bench) => {
        for (let wave = 0; wave < waves; wave++) {
          const clients = await bench.full()
          bench.leave(clients, how)
          await bench.holds(0, 0)
          bench.forget(clients)
        }
        bench.ended({ ignored: waves * PERMITS })
      })

    lawOfWaves('those who are served and those who wait reset their connections together', async (bench) => {
      const clients = [...(await bench.full()), ...(await bench.crowd(PLACES))]
      await bench.holds(PERMITS, PLACES)
      bench.leave(clients, 'reset')
      await bench.holds(0, 0)
    })

    law('the client leaves in the middle of the body', async (bench) => {
      bench.handle = IN_PARTS
      for (let wave = 0; wave < waves; wave++) {
        const clients = await bench.full()
        await partOne(bench, clients)
        bench.leave(clients)
        await bench.holds(0, 0)
      }
      bench.ended({ ignored: waves * PERMITS })
    })

    lawOfWaves('the client leaves with pipelined requests behind: every one of them ends', async (bench) => {
      const piped = await pipelines(bench, PERMITS / 10)
      await bench.holds(PERMITS, 0)
      const waiting = await pipelines(bench, 5)
      await bench.until('those who wait', () => bench.gate.stats.queued >= 5)
      bench.leave(waiting)
      await bench.holds(PERMITS, 0)
      bench.leave(piped)
      await bench.holds(0, 0)
      bench.ended({ ignored: bench.admissions })
    })

    law('pipelined requests are answered in order', async (bench) => {
      bench.answerFromNowOn()
      for (let wave = 0; wave < waves; wave++) {
        const clients = await pipelines(bench, PERMITS / 10)
        for (const { name, connection } of clients) {
          await bench.until('ten answers', () => answers(connection).length === 10)
          const order = answers(connection).map(({ body }) => /ok (\S+?)(?:\r|$)/.exec(body)?.[1])
          const right = Array.from({ length: 10 }, (_, at) => `${name}/${at}`)
          expect(order.join() === right.join(), `${right.join()}, not ${order.join()}`)
        }
        bench.forget(clients)
      }
    })

    law('the handler throws before the headers: the permit ends as failure', async (bench) => {
      bench.handle = () => {
        throw new Error('the handler of a law throws')
      }
      for (let wave = 0; wave < waves; wave++) await failing(bench)
      bench.ended({ failure: waves * PERMITS })
    })

    law('the handler throws after the headers: the permit ends, and not as success', async (bench) => {
      bench.handle = (exchange) => {
        exchange.write('part one ')
        throw new Error('the handler of a law throws')
      }
      for (let wave = 0; wave < waves; wave++) await failing(bench)
      expect(bench.outcomes.success === 0, `no success, not ${bench.outcomes.success}`)
    })

    law('the handler never ends: the permit is held until the client leaves', async (bench) => {
      for (let wave = 0; wave < waves; wave++) {
        const clients = await bench.full()
        await pause(5)
        await bench.holds(PERMITS, 0)
        bench.leave(clients)
        await bench.holds(0, 0)
      }
      bench.ended({ ignored: waves * PERMITS })
    })

    law('the body streams on: the permit is held until it ended, not until the headers are out', async (bench) => {
      bench.handle = IN_PARTS
      for (let wave = 0; wave < waves; wave++) {
        const clients = await bench.full()
        await partOne(bench, clients)
        await bench.holds(PERMITS, 0)
        bench.answerAll()
        await bench.answered(clients)
        await bench.holds(0, 0)
        bench.forget(clients)
      }
      bench.ended({ success: waves * PERMITS })
    })

    law('the upload is aborted', async (bench) => {
      for (let wave = 0; wave < waves; wave++) {
        const framing = wave % 2 === 0 ? 'content-length: 1000' : 'transfer-encoding: chunked'
        const upload = (name: string): string =>
          `POST ${name} HTTP/1.1\r\nhost: laws\r\n${framing}\r\n\r\n5\r\nhello\r\n`
        const clients = await bench.crowd(PERMITS, upload)
        await bench.holds(PERMITS, 0)
        bench.leave(clients)
        await bench.holds(0, 0)
      }
      bench.ended({ ignored: waves * PERMITS })
    })

    law('HEAD: headers alone, served or refused, and the connection stays usable', async (bench) => {
      const head = (name: string): string => get(name).replace('GET', 'HEAD')
      await bench.full()
      await bench.crowd(PLACES)
      await bench.holds(PERMITS, PLACES)
      const clients = await bench.crowd(PERMITS, head)
      await heads(bench, clients, 503)
      bench.answerFromNowOn()
      await bench.holds(0, 0)
      for (let wave = 0; wave < waves; wave++) {
        for (const { name, connection } of clients) connection.send(head(`${name}/${wave}`))
        await heads(bench, clients, 200, wave + 2)
      }
    })

    law('keep-alive: one connection carries request after request, each with a permit of its own', async (bench) => {
      bench.answerFromNowOn()
      const clients = await bench.crowd(PERMITS)
      await bench.answered(clients)
      for (let wave = 1; wave < waves; wave++) {
        for (const { name, connection } of clients) connection.send(get(`${name}/${wave}`))
        for (const { name, connection } of clients) {
          await bench.until('the next answer', () => connection.received().includes(`ok ${name}/${wave}`))
        }
      }
      await bench.holds(0, 0)
      bench.ended({ success: waves * PERMITS })
    })

    law('the client leaves after the end: nothing is given back twice', async (bench) => {
      for (let wave = 0; wave < waves; wave++) {
        const clients = await bench.full()
        bench.answerAll()
        await bench.answered(clients)
        await bench.holds(0, 0)
        const next = await bench.full()
        bench.leave(clients)
        // Only what came after the departures shows that they have been dealt with.
        const last = await bench.crowd(1)
        await bench.holds(PERMITS, 1)
        bench.answerAll()
        await bench.until('the last in its handler', () => bench.served.has(last[0]!.name))
        bench.answerAll()
        await bench.answered([...next, ...last])
        bench.forget([...next, ...last])
      }
      bench.ended({ success: waves * (2 * PERMITS + 1) })
    })

    law('health is answered while everything else is refused', async (bench) => {
      await bench.full()
      await bench.crowd(PLACES)
      await bench.holds(PERMITS, PLACES)
      bench.handle = (exchange) => exchange.end(`ok ${exchange.target}`)
      const client = await bench.connect()
      client.send(get('/health/live'))
      await bench.until('the answer', () => client.received().includes('ok /health/live'))
      bench.answerFromNowOn()
    })

    law('a closed gate: the client is told to go elsewhere', async (bench) => {
      bench.gate.close()
      const clients = await bench.crowd(PERMITS)
      for (const { connection } of clients) {
        await bench.until('the refusal', () => answers(connection).length === 1)
        isRefusal(answers(connection)[0]!, { code: 'closed', seconds: 5, detail: 'load=1;limit=0' })
        expect(answers(connection)[0]!.head.includes('\r\nconnection: close'), 'connection: close')
      }
    })
  })
}
