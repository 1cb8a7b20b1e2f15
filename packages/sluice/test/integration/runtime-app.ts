// What the smoke test runs on each runtime: one slot, one place in the queue, and a way to look at both.
import { protect, type Protected } from '../../src/fetch/index.ts'
import { fifo, semaphore } from '../../src/index.ts'

const gate = semaphore({ permits: 1, name: 'smoke', queue: fifo({ capacity: 1, maxWait: 20_000 }) })
const holds = { begun: 0, ended: 0 }

async function work(request: Request): Promise<Response> {
  const { pathname } = new URL(request.url)
  if (pathname === '/throw') throw new Error('the smoke test throws')
  if (pathname === '/stream') {
    const encoder = new TextEncoder()
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => controller.enqueue(encoder.encode('part one')),
      // Never ends by itself, and is never still for long.
      pull: async (controller) => {
        await new Promise<void>((resolve) => void setTimeout(resolve, 20))
        controller.enqueue(encoder.encode('.'))
      },
    })
    return new Response(body)
  }
  if (pathname === '/hold') {
    const turn = ++holds.begun
    // Not woken by the other request: some runtimes take a request that waits for another one for hung.
    while (holds.ended < turn) await new Promise<void>((resolve) => void setTimeout(resolve, 5))
  }
  return new Response(`done ${await request.text()}`)
}

const guarded: Protected = protect(work, { gate })

/** Everything but `/stats` and `/finish` meets the gate. */
export async function app(request: Request): Promise<Response> {
  const { pathname } = new URL(request.url)
  if (pathname === '/stats') return Response.json(gate.stats)
  if (pathname === '/finish') {
    holds.ended = holds.begun
    return new Response('')
  }
  try {
    return await guarded(request)
  } catch (error) {
    return new Response(String(error), { status: 500 })
  }
}
