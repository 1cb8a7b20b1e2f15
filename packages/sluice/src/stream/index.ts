export { channel } from './channel.ts'
export type {
  Channel,
  ChannelOptions,
  ChannelStats,
  DropReason,
  OverflowPolicy,
  PushAnswer,
  RefusalReason,
  SendOptions,
  Taken,
  TakeOptions,
} from './stream.ts'
export { mapConcurrent, type MapConcurrentOptions, type MapContext } from './map-concurrent.ts'
export { audit, type AuditOptions } from './audit.ts'
export { conflate, type ConflateOptions } from './conflate.ts'
export { debounce, type DebounceOptions } from './debounce.ts'
export { fromPush, type FromPushOptions, type Pushed } from './from-push.ts'
export type { Operated, OperatorOptions, OperatorStats } from './operator.ts'
export { interactive, latest, lossless, pull, type PresetOptions } from './presets.ts'
export type { Emitter, EventNames, Observables, PushFunction, PushObserver, Subscribable } from './push-source.ts'
export { sample, type SampleOptions } from './sample.ts'
export { throttle, type ThrottleOptions } from './throttle.ts'
export { buffer, type BufferOptions } from './buffer.ts'
export { window, type Pane, type WindowOptions } from './window.ts'
export { Watermarks } from './watermarks.ts'
