import { InvalidRequest } from './dialects/dialect.ts'
import { objectOf } from './dialects/reading.ts'
import { readFault, type Fault } from './fault.ts'

/** What a client asks of the emulator itself for one call, as JSON in the header `x-emulate`. */
export interface Wish {
  /** A name under which the call is found in the log. */
  readonly id?: string
  /** Tokens of the answer, if `max_tokens` lets it. */
  readonly output?: number
  /** Tokens of the prompt read from the cache. */
  readonly cached?: number
  /** Tokens of the prompt written to the cache. */
  readonly cacheWrite?: number
  /** False: no tool is called, though there are tools. */
  readonly tool?: boolean
  readonly fault?: Fault
}

/** Tokens of one call; more would keep this process busy for nothing. */
const MOST = 10_000_000

/** @throws InvalidRequest */
export function readWish(header: string | undefined): Wish {
  if (header === undefined) return {}
  try {
    const { id, output, cached, cacheWrite, tool, fault } = objectOf(JSON.parse(header))
    const count = (name: string, value: unknown): void => {
      if (value !== undefined && !(Number.isInteger(value) && (value as number) >= 0 && (value as number) <= MOST))
        throw new RangeError(`${name} must be a number of tokens from 0 to ${MOST}`)
    }
    count('output', output)
    count('cached', cached)
    count('cacheWrite', cacheWrite)
    if (id !== undefined && typeof id !== 'string') throw new RangeError('id must be a text')
    return {
      ...(id !== undefined && { id }),
      ...(output !== undefined && { output: output as number }),
      ...(cached !== undefined && { cached: cached as number }),
      ...(cacheWrite !== undefined && { cacheWrite: cacheWrite as number }),
      ...(tool !== undefined && { tool: tool === true }),
      ...(fault !== undefined && { fault: readFault(fault) }),
    }
  } catch (error) {
    throw new InvalidRequest(400, `x-emulate: ${error instanceof Error ? error.message : String(error)}`)
  }
}
