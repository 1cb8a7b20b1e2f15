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
