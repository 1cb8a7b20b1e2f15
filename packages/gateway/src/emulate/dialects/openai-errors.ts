import { DIMENSIONS } from '../dimension.ts'
import { goDuration } from '../go-duration.ts'
import type { Profile } from '../profile.ts'
import type { LimitFigures, ProviderRefusal } from '../provider-refusal.ts'
import type { ErrorAnswer, InvalidRequest } from './dialect.ts'

const ORGANIZATION = 'org-emulated'

/** A refusal in OpenAI's words. */
export function openaiRefusal(refusal: ProviderRefusal, model: string, profile: Profile): ErrorAnswer {
  const { reason, about } = refusal
  if (about !== undefined) {
    const { unit } = DIMENSIONS[about.dimension]
    const message = reason === 'too-large' ? tooLarge(about, model) : limitMessage(about, model, refusal.wait ?? 0)
    return error(429, message, unit, 'rate_limit_exceeded')
  }
  switch (reason) {
    case 'spend':
      return error(
        429,
        'You exceeded your current quota, please check your plan and billing details.',
        'insufficient_quota',
        'insufficient_quota',
      )
    case 'slow-down':
      return error(429, 'Slow down: your traffic grows too fast. Ramp up gradually.', 'requests', 'slow_down')
    case 'flex':
      return error(429, 'Resource Unavailable', 'resource_unavailable', 'resource_unavailable')
    case 'concurrency':
      return error(
        429,
        `Too many concurrent requests for ${model} in organization ${ORGANIZATION}.`,
        'requests',
        'rate_limit_exceeded',
      )
    case 'overloaded':
      return profile.overloaded === 'high-demand'
        ? error(429, 'The service is experiencing high demand. Please retry later.', 'too_many_requests', '429')
        : error(503, 'The server is overloaded. Please try again later.', 'server_error', 'server_is_overloaded')
    default:
      return error(500, 'The server had an error while processing your request.', 'server_error', null)
  }
}

/** The published sentence; its figures satisfy `t = (used + requested − limit) / limit × window`, cut to the ms. */
export function limitMessage(about: LimitFigures, model: string, wait: number): string {
  const { dimension, limit, used, requested, window, continuous } = about
  const where = `Rate limit reached for ${model} in organization ${ORGANIZATION} on ${DIMENSIONS[dimension].title}`
  if (!continuous) return `${where}: Limit ${limit}. Please try again in ${goDuration(wait)}.`
  const whole = Math.floor(limit)
  // Multiplied first: whole numbers stay exact, and 1.146 s does not become 1.145 s.
  const again = Math.max(0, (used + requested - whole) * window) / whole
  return `${where}: Limit ${whole}, Used ${used}, Requested ${requested}. Please try again in ${goDuration(again)}.`
}

export function openaiInvalid({ status, message, param, code }: InvalidRequest): ErrorAnswer {
  return {
    status,
    body: { error: { message, type: 'invalid_request_error', param: param ?? null, code: code ?? null } },
  }
}

function tooLarge({ dimension, limit, requested }: LimitFigures, model: string): string {
  const where = `Request too large for ${model} in organization ${ORGANIZATION} on ${DIMENSIONS[dimension].title}`
  return `${where}: Limit ${limit}, Requested ${requested}. The input or output tokens must be reduced in order to run successfully.`
}

function error(status: number, message: string, type: string, code: string | null): ErrorAnswer {
  return { status, body: { error: { message, type, param: null, code } } }
}
