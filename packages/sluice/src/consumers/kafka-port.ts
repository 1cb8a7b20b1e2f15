/** The offset to go on from in one partition. */
export interface PartitionOffset {
  readonly topic: string
  readonly partition: number
  readonly offset: bigint
}

/** What a {@link PartitionedConsumer} needs of whatever client feeds it. */
export interface KafkaPort {
  /** Whether its user can go back to an offset, and means it. Otherwise what comes again was begun again by a rebalance. */
  readonly seeks: boolean
  pause(topic: string, partition: number): void
  resume(topic: string, partition: number): void
  /** Asked again later, with what may be committed by then, when it fails. Never asked twice at once. */
  commit(offsets: readonly PartitionOffset[]): PromiseLike<unknown>
}
