// Compiled, not run: `sluice/express` against the types of Express.
import { createServer } from 'node:http'
import express, { type Request } from 'express'
import { laneBy, trust } from '../../src/http/index.ts'
import { limiter } from '../../src/index.ts'
import { protect, signalOf, type Protected } from '../../src/servers/express.ts'
import { drain } from '../../src/servers/node.ts'

const app = express()
const guard: Protected = protect({ perConnection: 16, timeout: 1000, trust: trust(['loopback']) })
app.use(guard)
app.get('/report', protect({ limit: 5 }), (req, res) => {
  signalOf(req).throwIfAborted()
  res.json({ zombies: guard.zombies, limit: guard.gate.stats.limit })
})
// The request of the application's own type, where options look at it.
app.use(
  '/api',
  protect<Request>({
    gate: limiter(),
    key: ({ request }) => request.get('x-tenant'),
    classify: laneBy([{ lane: 'low', when: ({ request }) => request.query['batch'] !== undefined }]),
    bypass: (req) => req.path === '/ping',
  }),
)
const router = express.Router()
router.use(protect())
app.use(router)
void drain(createServer(app), guard.gate)
// @ts-expect-error: there is no such option
protect({ permits: 5 })
