// Compiled against the real @grpc/grpc-js, never run: what the page of this door shows must be what its types allow.
import { Client, credentials, Server, type Interceptor, type ServerInterceptor } from '@grpc/grpc-js'
import type {
  handleBidiStreamingCall,
  handleServerStreamingCall,
  Metadata,
  ServiceError,
  StatusObject,
  UntypedServiceImplementation,
} from '@grpc/grpc-js'
import {
  breaker,
  keyed,
  limiter,
  retryBudget,
  semaphore,
  series,
  type Outcome,
  type Rejection,
} from '../../src/index.ts'
import {
  asyncHandlers,
  clientInterceptor,
  loadReportOf,
  localRejection,
  outcomeOfStatus,
  pushbackOf,
  serverChannelOptions,
  serverInterceptor,
  writeAll,
  type LoadReport,
} from '../../src/grpc/index.ts'
import { laneBy, trust } from '../../src/http/index.ts'

interface Row {
  readonly id: number
}

const gated = serverInterceptor({
  gate: semaphore({ permits: 10 }),
  bypass: ({ path }) => path.startsWith('/admin.'),
  classify: laneBy([{ lane: 'high', path: '/orders.Orders/*', when: ({ request }) => request.attempts === 0 }]),
  key: ({ request }) => request.authContext.transportSecurityType,
  cost: ({ request }) => request.metadata.get('rows').length + 1,
  deadline: 1000,
  timeout: 500,
  trust: trust(['private']),
  retryBudget: retryBudget(),
  onReject: ({ code }, { path }) => void `${code} ${path}`,
  dryRun: true,
})
const asServer: ServerInterceptor = gated
export const server: Server = new Server({
  interceptors: [asServer],
  ...serverChannelOptions({ maxConcurrentStreams: 1 }),
})

const asClient: Interceptor = clientInterceptor({
  gate: keyed(
    ({ flow }) => flow,
    () => series(breaker(), limiter()),
  ),
  onLoadReport: ({ applicationUtilization }, { target }) => void `${target} ${applicationUtilization}`,
})
export const client: Client = new Client('orders:50051', credentials.createInsecure(), { interceptors: [asClient] })

export const feed: handleServerStreamingCall<Row, Row> = (call) =>
  void writeAll(call, [{ id: 1 }]).then((all) => all && call.end())
export const chat: handleBidiStreamingCall<Row, Row> = (call) => void writeAll(call, (signal) => rows(signal))

async function* rows(signal: AbortSignal): AsyncGenerator<Row> {
  for (let id = 0; !signal.aborted; id++) yield await Promise.resolve({ id })
}

export function look(error: ServiceError, { code, metadata }: StatusObject): readonly [Outcome, Rejection | undefined] {
  const report: LoadReport | undefined = loadReportOf(metadata)
  const wait: number | 'never' | undefined = pushbackOf(error.metadata satisfies Metadata)
  return [report === undefined && wait === 'never' ? 'ignored' : outcomeOfStatus(code), localRejection(error)]
}

// @ts-expect-error a body format means nothing to gRPC
serverInterceptor({ body: 'problem' })
// @ts-expect-error what is not an option is not taken
clientInterceptor({ limit: 3 })

interface Orders extends UntypedServiceImplementation {
  readonly list: handleServerStreamingCall<Row, Row>
}
declare const orders: Orders
server.addService({}, asyncHandlers(orders, { onError: (error, method) => void `${method} ${String(error)}` }))
// @ts-expect-error: a service is no single handler
asyncHandlers('orders')
