import { z } from 'zod'
import type { Lane } from 'sluice/http'
import { count, NAME, optional, PATH, required, standard } from '../fields.ts'
import { LANE, METHOD } from './routes.ts'

/** In percent, together 100. */
export type LaneShares = Readonly<Record<Lane, number>>

/** Puts requests in a lane. Everything named must hold. */
export interface LaneRuleConfig {
  readonly lane: Lane
  readonly path?: string | undefined
  readonly method?: string | undefined
  readonly role?: string | undefined
  readonly tenant?: string | undefined
}

export interface LanesConfig {
  readonly shares: LaneShares
  readonly rules: readonly LaneRuleConfig[]
}

const SHARE = count(0, 100)

const shares: z.ZodType<LaneShares> = z
  .strictObject({
    critical: standard(SHARE, 'Kept as slack for high: critical requests meet no limit at all.', 10),
    high: standard(SHARE, 'What people wait for: login, token refresh.', 40),
    normal: standard(SHARE, 'Everything else.', 40),
    low: standard(SHARE, 'Runs on slack, and never starves.', 10),
  })
  .meta({
    description: 'What each lane is sure of when all want more, in percent, together 100. Unused shares are lent.',
  })

const rule: z.ZodType<LaneRuleConfig> = z.strictObject({
  lane: required(LANE, 'The lane.'),
  path: optional(PATH, 'A path, or /admin/* for all below.'),
  method: optional(METHOD, 'A method.'),
  role: optional(NAME, 'A role that the tenants section has verified.'),
  tenant: optional(NAME, 'A tenant that the tenants section has verified.'),
})

export const lanesSection: z.ZodType<LanesConfig> = z
  .strictObject({
    shares: shares.prefault({}),
    rules: z.array(rule).max(1000).default([]).meta({ description: 'The first that fits decides; else normal.' }),
  })
  .meta({ description: 'Priority lanes (S3.6): who is served first, and how much of the limit the others keep.' })
