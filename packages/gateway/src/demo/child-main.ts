import type { ChildLoad, ChildMessage, ChildOrder, ChildRole } from './child-message.ts'

/** The entry of a child process: it is one part of the demo until its parent is gone. */
const role = JSON.parse(process.argv[2] ?? '{}') as ChildRole

// However the parent ends, SIGKILL included, the channel closes.
process.on('disconnect', () => process.exit(0))
// It may have closed before anybody listened.
if (!process.connected) process.exit(0)
// Ctrl-C reaches the whole process group; the parent still wants to stop the load first.
process.on('SIGINT', () => {})

try {
  const part = await start()
  tell({ port: part.port, adminPort: part.adminPort })
  setInterval(() => tell({ load: part.load() }), 250)
} catch (error) {
  tell({ error: error instanceof Error ? error.message : String(error) })
}

interface Part {
  readonly port: number
  /** 0 where there is none. */
  readonly adminPort: number
  readonly load: () => ChildLoad
}

async function start(): Promise<Part> {
  if (role.role === 'upstream') {
    const { upstream } = await import('./upstream.ts')
    const server = await upstream(role)
    process.on('message', (order: ChildOrder) => server.change(order))
    const load = (): ChildLoad => ({ inflight: server.load.busy, queued: server.load.queued })
    return { port: server.port, adminPort: 0, load }
  }
  const { startGateway } = await import('../gateway.ts')
  const { upstream, protect, plan } = role
  const gateway = await startGateway({ upstream, port: 0, adminPort: 0, protect, ...(plan && { plan }) })
  const { gate, tally } = gateway
  const load = (): ChildLoad => ({
    ...(gate?.stats ?? { inflight: 0, queued: 0 }),
    admissions: tally.admissions,
    waitTotal: tally.waitTotal,
  })
  return { port: gateway.port, adminPort: gateway.adminPort, load }
}

function tell(message: ChildMessage): void {
  // The parent may be gone already; `disconnect` ends us then.
  if (process.connected) process.send?.(message, () => {})
}
