import type { Millis } from '../../ground/index.ts'
import { goDuration, readGoDuration } from './go-duration.ts'

/** What a limit is called in OpenAI's messages. */
export type OpenaiLimit = 'RPM' | 'TPM' | 'RPD' | 'TPD'

const NAMES: Readonly<Record<OpenaiLimit, string>> = {
  RPM: 'requests per min (RPM)',
  TPM: 'tokens per min (TPM)',
  RPD: 'requests per day (RPD)',
  TPD: 'tokens per day (TPD)',
}
const WINDOW: Readonly<Record<OpenaiLimit, Millis>> = { RPM: 60_000, TPM: 60_000, RPD: 86_400_000, TPD: 86_400_000 }
const MORE = 'Visit https://platform.openai.com/account/rate-limits to learn more.'

export interface OpenaiRefused {
  readonly model: string
  readonly organization: string
  readonly name: OpenaiLimit
  readonly limit: number
  readonly requested: number
}

/** How long until a bucket of `limit` that refills within its window has room: `(used + requested − limit) ÷ limit × window`. */
export function openaiWait(name: OpenaiLimit, limit: number, used: number, requested: number): Millis {
  return Math.max(0, ((used + requested - limit) / limit) * WINDOW[name])
}

/** What OpenAI says when a limit is spent. Its time is {@link openaiWait}, which 13 of 15 messages found agree with to the ms. */
export function openaiRateMessage(refused: OpenaiRefused & { readonly used: number }): string {
  const { model, organization, name, limit, used, requested } = refused
  // Whole ms, cut and not rounded, as the messages have it.
  const wait = goDuration(Math.floor(openaiWait(name, limit, used, requested) + 1e-6))
  return (
    `Rate limit reached for ${model} in organization ${organization} on ${NAMES[name]}: ` +
    `Limit ${limit}, Used ${used}, Requested ${requested}. Please try again in ${wait}. ${MORE}`
  )
}

/** What OpenAI says when a request is larger than the limit: it can never pass. */
export function openaiTooLargeMessage({ model, organization, name, limit, requested }: OpenaiRefused): string {
  return (
    `Request too large for ${model} in organization ${organization} on ${NAMES[name]}: ` +
    `Limit ${limit}, Requested ${requested}. The input or output tokens must be reduced in order to run successfully. ${MORE}`
  )
}

/** The figures of a message. */
export interface OpenaiFigures {
  readonly limit: number | undefined
  readonly used: number | undefined
  readonly requested: number | undefined
  readonly wait: Millis | undefined
}

/** No message of a provider is longer; nothing behind it is looked at. */
const LONGEST = 4096

/** The figures of such a message, of others that say `try again in …`, and of Azure's `retry after … seconds`. */
export function readOpenaiMessage(message: string): OpenaiFigures {
  const text = message.slice(0, LONGEST)
  const wait = /\b(?:try again in|retry after) ([\d.]{1,15}(?:[a-zµμ][\d.a-zµμ]{0,30})?)(?: (?=sec)|\.?(?:\s|$))/i.exec(
    text,
  )?.[1]
  return {
    limit: figure(/\bLimit:? (\d{1,15})\b/i.exec(text)),
    used: figure(/\bUsed:? (\d{1,15})\b/i.exec(text)),
    requested: figure(/\bRequested:? (\d{1,15})\b/i.exec(text)),
    wait: wait === undefined ? undefined : readGoDuration(wait.replace(/\.$/, '')),
  }
}

function figure(found: RegExpExecArray | null): number | undefined {
  return found === null ? undefined : Number(found[1])
}
