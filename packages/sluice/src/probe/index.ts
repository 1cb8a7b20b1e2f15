/**
 * sluice/probe: how hard this process is pressed, as signals a shedder, a health check or a dashboard can read.
 * @module
 */
export { cpu, type CpuOptions } from './cpu.ts'
export { eventLoopDelay, type EventLoopDelayOptions } from './event-loop-delay.ts'
export { eventLoopUtilization, type EventLoopUtilizationOptions, type LoopTimes } from './event-loop-utilization.ts'
export { heap, type HeapOptions, type HeapUse } from './heap.ts'
export { memory, type MemoryOptions } from './memory.ts'
export type { Probe, ProbeOptions } from './probe.ts'
export { processPressure, type ProcessPressure, type ProcessPressureOptions } from './process-pressure.ts'
