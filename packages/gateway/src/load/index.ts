export { closedLoop, type ClosedLoopOptions, type ClosedLoopReport, type Fate } from './closed-loop.ts'
export { httpTransport, type HttpTransport, type HttpTransportOptions } from './http-transport.ts'
export type {
  Counts,
  Exchange,
  Latency,
  LiveSecond,
  LoadReport,
  Phase,
  PhaseReport,
  Receiver,
  Reply,
  Transport,
} from './load.ts'
export { openLoop, type OpenLoopOptions } from './open-loop.ts'
