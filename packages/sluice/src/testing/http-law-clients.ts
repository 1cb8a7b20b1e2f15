import { REFUSALS, type RejectionCode } from '../ground/index.ts'
import { answers, expect, get, PERMITS, type Bench, type LawClient } from './http-law-bench.ts'

/** What a refusal must say. */
export interface Refused {
  readonly code: RejectionCode
  readonly seconds: number
  readonly detail: string
}

/** Requirement S3.3: status, body and headers of a refusal. */
export function isRefusal(
  { status, head, body }: { status: number; head: string; body: string },
  refused: Refused,
): void {
  const { code, seconds, detail } = refused
  const { wire, means, status: right } = REFUSALS[code]
  expect(status === right, `a ${right}, not ${status}`)
  const message = `laws refused: ${means}`
  const envelope = JSON.stringify({ success: false, error: { code: wire, message, retry_after: seconds } })
  expect(body === envelope, `the body ${envelope}, not ${body}`)
  const lines = head.split('\r\n')
  for (const line of [
    'content-type: application/json',
    `content-length: ${body.length}`,
    'cache-control: no-store',
    `retry-after: ${seconds}`,
    `retry-after-ms: ${seconds * 1000}`,
  ])
    expect(lines.includes(line), `the header ${line} in ${head}`)
  const who = lines.find((line) => line.startsWith(`sluice-rejection: ${code};gate="laws";`)) ?? ''
  expect(who.endsWith(detail) && who !== '', `who, why and what (${code} … ${detail}) in ${head}`)
}

/** Request after request on kept-alive connections, each refused. */
export async function refusals(bench: Bench, waves: number, refused: Refused): Promise<void> {
  const clients = await bench.crowd(PERMITS)
  for (let wave = 1; wave <= waves; wave++) {
    for (const { name, connection } of clients) {
      await bench.until('the refusal', () => answers(connection).length === wave)
      isRefusal(answers(connection)[wave - 1]!, refused)
      if (wave < waves) connection.send(get(`${name}/${wave}`))
    }
  }
}

export async function partOne(bench: Bench, clients: readonly LawClient[]): Promise<void> {
  for (const { connection } of clients)
    await bench.until('the first part', () => connection.received().includes('part one'))
}

/** Connections with ten requests on each, sent in one go. */
export async function pipelines(bench: Bench, size: number): Promise<LawClient[]> {
  const names = Array.from({ length: 10 }, (_, at) => at)
  const clients = await bench.crowd(size, (name) => names.map((at) => get(`${name}/${at}`)).join(''))
  return clients
}

/** A crowd whose handler fails. Who is answered is answered with a 5xx; who answers is up to the framework. */
export async function failing(bench: Bench): Promise<void> {
  const before = bench.endings
  const clients = await bench.crowd(PERMITS)
  await bench.until('the end of each permit', () => bench.endings === before + PERMITS)
  for (const { connection } of clients)
    expect(
      answers(connection).every(({ status }) => status >= 500),
      `no ${answers(connection)[0]?.status}`,
    )
  bench.gone(clients)
  bench.forget(clients)
}

/** Waits for the heads of so many answers on each, without bodies. */
export async function heads(bench: Bench, clients: readonly LawClient[], status: number, count = 1): Promise<void> {
  for (const { connection } of clients) {
    const parts = (): string[] => connection.received().split('\r\n\r\n')
    await bench.until(`${count} heads`, () => parts().length > count)
    const last = parts()[count - 1]!
    expect(last.startsWith(`HTTP/1.1 ${status} `), `a ${status} without a body before it, not ${last}`)
    expect(parts().length === count + 1 && parts()[count] === '', 'nothing after the head')
  }
}
