import type { NativeRefusal } from 'sluice/llm'
import type { LineRefusal } from './line.ts'

/**
 * A refusal as a client hears it: 429 where its own share is used up, 503 where all there is, and what never fits with a
 * status no client tries again.
 */
export function refusalInWords({ is, message, delay }: LineRefusal): NativeRefusal {
  switch (is) {
    case 'share':
      return { is: 'wait', status: 429, message: `Too many of your requests are waiting: ${message}.`, delay }
    case 'full':
    case 'late':
      return { is: 'capacity', status: 503, message: `The model is overloaded: ${message}.`, delay }
    case 'never':
      return { is: 'never', status: 413, budget: 'tokens', message: `Request too large: ${message}.`, mayRetry: false }
    case 'unknown':
      return { is: 'request', status: 404, message: `No such model: ${message}.`, mayRetry: false }
    case 'closed':
      return { is: 'capacity', status: 503, message: `The service is restarting: ${message}.`, delay: 1000 }
    default:
      return is satisfies never
  }
}
