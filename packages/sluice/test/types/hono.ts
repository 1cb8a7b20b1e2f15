// Compiled, not run: `sluice/hono` against the types of Hono.
import type { HttpBindings } from '@hono/node-server'
import { getConnInfo } from '@hono/node-server/conninfo'
import { Hono, type Context, type Env } from 'hono'
import { createMiddleware } from 'hono/factory'
import { laneBy, trust } from '../../src/http/index.ts'
import { limiter } from '../../src/index.ts'
import { protect, signalOf, type Protected } from '../../src/servers/hono.ts'

interface App extends Env {
  readonly Variables: { user: { readonly plan: 'free' | 'paid' } }
  readonly Bindings: HttpBindings
}

const plain = new Hono()
plain.use(protect())
plain.use('/api/*', protect({ limit: 10 }))
plain.get('/report', protect({ limit: 2 }), async (c) => c.text(String(signalOf(c).aborted)))

const guard: Protected = protect({ timeout: 1000, trust: trust(['loopback']), peer: () => '127.0.0.1' })
plain.use(guard)

// The context of the application's own type, where options look at it.
const app = new Hono<App>()
app.use(
  protect<Context<App>>({
    gate: limiter(),
    key: ({ request: c }) => c.get('user').plan,
    classify: laneBy([{ lane: 'low', when: ({ request: c }) => c.var.user.plan === 'free' }]),
    bypass: (c) => c.req.query('ping') !== undefined,
    peer: (c) => getConnInfo(c).remote.address,
  }),
)
// One that looks at nothing of the kind goes anywhere.
app.use(protect())
app.use(guard)
const typed = app
  .get('/orders/:id', protect({ limit: 5 }), (c) => c.json({ id: c.req.param('id'), plan: c.get('user').plan }))
  .post('/orders', (c) => c.json({ ok: true }))
void typed
app.use(createMiddleware<App>(async (c, next) => void (await protect()(c, next))))
app.route('/plain', plain)
// @ts-expect-error: there is no such option
protect({ permits: 5 })
