import { metrics } from '@opentelemetry/api'
import { limiter, tally } from '../../src/index.ts'
import { otel } from '../../src/observe/otel.ts'

// Only has to compile: the door against the real package.
const counts = tally()
const end: Disposable = otel({ meter: metrics.getMeter('service'), gate: limiter({ observer: counts }), tally: counts })
end[Symbol.dispose]()
