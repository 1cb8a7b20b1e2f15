// Compiled, not run: `sluice/koa` against the types of Koa.
import Koa, { type Context } from 'koa'
import { laneBy, trust } from '../../src/http/index.ts'
import { limiter } from '../../src/index.ts'
import { protect, signalOf, type Protected } from '../../src/servers/koa.ts'
import { drain } from '../../src/servers/node.ts'

const app = new Koa()
const guard: Protected = protect({ perConnection: 16, timeout: 1000, trust: trust(['loopback']) })
app.use(guard)
app.use(
  protect<Context>({
    gate: limiter(),
    key: ({ request: ctx }) => ctx.get('x-tenant'),
    classify: laneBy([{ lane: 'high', path: '/login' }]),
    bypass: (ctx) => ctx.path === '/ping',
  }),
)
app.use(async (ctx, next) => {
  signalOf(ctx.req).throwIfAborted()
  await next()
  ctx.body = { zombies: guard.zombies }
})
void drain(app.listen(0), guard.gate)
// @ts-expect-error: there is no such option
protect({ permits: 5 })
