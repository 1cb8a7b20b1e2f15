import type { Millis, RejectionCode } from 'sluice'
import type { Lane } from 'sluice/http'
import { Histogram } from './histogram.ts'

/** What came of one lane. */
export interface LaneCounts {
  offered: number
  admitted: number
  rejected: number
  readonly latency: Histogram
}

/** A second as it is sent to another process. */
export interface SecondData extends Pick<Second, 'offered' | 'admitted' | 'ended' | 'good' | 'rejected' | 'by'> {
  readonly latency: Uint32Array
  readonly wait: Uint32Array
  readonly lanes: readonly (readonly [lane: Lane, counts: Omit<LaneCounts, 'latency'>, latency: Uint32Array])[]
}

/** What happened in one second, or in several together. */
export class Second {
  offered = 0
  admitted = 0
  /** Came to an end, well or not. */
  ended = 0
  good = 0
  rejected = 0
  readonly by: Partial<Record<RejectionCode, number>> = {}
  readonly lanes: Partial<Record<Lane, LaneCounts>> = {}
  readonly latency: Histogram = new Histogram()
  readonly wait: Histogram = new Histogram()

  static of({ lanes, latency, wait, by, ...counts }: SecondData): Second {
    const second = Object.assign(new Second(), counts)
    Object.assign(second.by, by)
    second.latency.addAll(Histogram.of(latency))
    second.wait.addAll(Histogram.of(wait))
    for (const [lane, own, took] of lanes) second.lanes[lane] = { ...own, latency: Histogram.of(took) }
    return second
  }

  get data(): SecondData {
    const { offered, admitted, ended, good, rejected, by, latency, wait } = this
    const lanes = Object.entries(this.lanes).map(([lane, { latency: took, ...counts }]) => {
      return [lane as Lane, counts, took.data] as const
    })
    return { offered, admitted, ended, good, rejected, by, latency: latency.data, wait: wait.data, lanes }
  }

  letIn(lane: Lane, waited: Millis): void {
    this.offered++
    this.admitted++
    this.wait.add(waited)
    const counts = this.#lane(lane)
    counts.offered++
    counts.admitted++
  }

  /** @param came false where it is let in all the same, and told of as such */
  turnAway(lane: Lane, code: RejectionCode, came: boolean): void {
    if (came) this.offered++
    this.rejected++
    this.by[code] = (this.by[code] ?? 0) + 1
    const counts = this.#lane(lane)
    if (came) counts.offered++
    counts.rejected++
  }

  end(lane: Lane, took: Millis, good: boolean): void {
    this.ended++
    if (good) this.good++
    this.latency.add(took)
    this.#lane(lane).latency.add(took)
  }

  addAll(other: Second): void {
    this.offered += other.offered
    this.admitted += other.admitted
    this.ended += other.ended
    this.good += other.good
    this.rejected += other.rejected
    this.latency.addAll(other.latency)
    this.wait.addAll(other.wait)
    for (const [code, count] of Object.entries(other.by)) {
      const known = code as RejectionCode
      this.by[known] = (this.by[known] ?? 0) + count
    }
    for (const [lane, counts] of Object.entries(other.lanes)) {
      const own = this.#lane(lane as Lane)
      own.offered += counts.offered
      own.admitted += counts.admitted
      own.rejected += counts.rejected
      own.latency.addAll(counts.latency)
    }
  }

  #lane(lane: Lane): LaneCounts {
    return (this.lanes[lane] ??= { offered: 0, admitted: 0, rejected: 0, latency: new Histogram() })
  }
}
