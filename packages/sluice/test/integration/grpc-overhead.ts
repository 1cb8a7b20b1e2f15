// Run by hand: what a gate costs a gRPC service that does nothing else. Rounds of bare, gated and both sides gated calls
// take turns, so that a machine that is busy with other things is as busy for each.
import { clientInterceptor, serverInterceptor } from '../../src/grpc/index.ts'
import { semaphore } from '../../src/index.ts'
import { Caller, start } from './grpc-loopback.ts'

const ROUNDS = 15
const CALLS = 2000
const AT_ONCE = 50

async function round(caller: Caller): Promise<number> {
  let left = CALLS
  const since = performance.now()
  const worker = async (): Promise<void> => {
    while (left-- > 0) await caller.ask('unary')
  }
  await Promise.all(Array.from({ length: AT_ONCE }, worker))
  return (CALLS * 1000) / (performance.now() - since)
}

const gate = (): ReturnType<typeof semaphore> => semaphore({ permits: 1000 })
const bare = await start({}, {})
const gated = await start({}, { interceptors: [serverInterceptor({ gate: gate() })] })
const callers = {
  bare: new Caller(bare.port),
  'server gated': new Caller(gated.port),
  'client gated': new Caller(bare.port, { interceptors: [clientInterceptor({ gate: gate() })] }),
}
const rates: Record<string, number[]> = {}
for (let count = 0; count < ROUNDS; count++)
  for (const [name, caller] of Object.entries(callers)) (rates[name] ??= []).push(await round(caller))
for (const caller of Object.values(callers)) caller.close()
for (const running of [bare, gated]) running.close()

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1]!
const ratios = (name: string): number => median(rates[name]!.map((rate, at) => rate / rates['bare']![at]!))
console.log(`bare          ${Math.round(median(rates['bare']!))} calls a second`)
for (const name of ['server gated', 'client gated'])
  console.log(`${name}  ${(100 * ratios(name)).toFixed(1)} % of that`)
