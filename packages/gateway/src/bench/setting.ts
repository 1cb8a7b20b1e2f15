import type { Millis } from 'sluice'
import { PRESETS, type Plan } from '../config/index.ts'
import { size } from '../size/index.ts'

/** The built-in service of issue and bench: connections in its pool, and time each request holds one, in ms. */
export const POOL = 100
export const WORK: Millis = 50

/** Requirement S3.11, in ms. */
export const THINK: readonly [Millis, Millis] = [500, 1500]
/** After this long without an answer a user asks again, in ms. */
export const PATIENCE: Millis = 2000
/**
 * How many users fill the gate. The requirement's 70, 120, 200 and 500 mean something only against a capacity, and it
 * calls 70 normal and 120 just too many.
 */
export const FULL = 100

/** What S3.1 makes of the pool. */
export const LIMIT: number = size({ pool: POOL }).limit

/**
 * Requests a user sends at once on each visit, such that {@link FULL} users fill the gate. With a single one, 200 users
 * would keep 10 of 100 connections busy and nothing could be seen: see docs/load-scenarios.md.
 */
export const PAGE: number = Math.round(((LIMIT / WORK) * ((THINK[0] + THINK[1]) / 2)) / FULL)

const { queueCapacity, waitTimeout, rejectThreshold } = PRESETS.staging

/** The gate of the bench: the limit by S3.1, and the queue of the preset that has that limit (S3.2, staging). */
export const GATE: Plan = {
  kind: 'fixed',
  permits: LIMIT,
  queue: { capacity: queueCapacity, maxWait: waitTimeout },
  threshold: rejectThreshold,
}
