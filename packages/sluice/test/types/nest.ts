// Compiled, not run: `sluice/nest` against the types of Nest.
import type { CallHandler, CanActivate, DynamicModule, ExecutionContext, NestInterceptor } from '@nestjs/common'
import { APP_GUARD, APP_INTERCEPTOR } from '@nestjs/core'
import type { Request as ExpressRequest } from 'express'
import type { FastifyRequest } from 'fastify'
import { limiter } from '../../src/index.ts'
import { byAddress, laneBy, trust, type Caller } from '../../src/http/index.ts'
import {
  SkipSluice,
  Sluice,
  SluiceGates,
  SluiceGuard,
  SluiceInterceptor,
  SluiceModule,
  type NestSettings,
} from '../../src/servers/nest.ts'

const modules: DynamicModule[] = [
  SluiceModule.forRoot(),
  SluiceModule.forRoot({ limit: 10, timeout: 1000, perConnection: 16, trust: trust(['private']) }),
  SluiceModule.forRootAsync({
    inject: ['CONFIG'],
    useFactory: (config: { readonly limit: number }) => ({ limit: config.limit }),
  }),
  SluiceModule.forRootAsync({ imports: [], useFactory: async () => ({ gate: limiter() }) }),
]
void modules

const gates = new SluiceGates({ limit: 5 })
const guard: CanActivate = new SluiceGuard(gates)
declare const context: ExecutionContext
declare const handler: CallHandler
void guard.canActivate(context)
void new SluiceInterceptor(gates).intercept(context, handler)
const names: readonly string[] = [APP_GUARD, APP_INTERCEPTOR]
void names
declare function useGlobalInterceptors(interceptor: Pick<NestInterceptor, 'intercept'>): void
void useGlobalInterceptors

// As decorators.
const whole: ClassDecorator & MethodDecorator = Sluice({ lane: 'low', limit: 2 })
const skipped: ClassDecorator & MethodDecorator = SkipSluice()
void [whole, skipped]
const settings: NestSettings = { classify: laneBy([{ lane: 'low', path: '/export/*' }]), key: byAddress }
void settings
// @ts-expect-error: there is no such lane
Sluice({ lane: 'urgent' })

// The callbacks get the request of the platform, on which passport and its like leave what they found out.
interface Signed extends ExpressRequest {
  readonly user?: { readonly tenant: string }
}
void SluiceModule.forRoot({ cost: ({ request }) => (request.headers['x-export'] === undefined ? 1 : 5) })
void SluiceModule.forRoot({
  key: ({ request }: Caller<Signed>) => request.user?.tenant ?? request.ip,
  onReject: ({ code }, { originalUrl }) => void `${code} ${originalUrl}`,
})
void SluiceModule.forRoot<FastifyRequest>({ bypass: ({ routeOptions }) => routeOptions.url === '/ping' })
void SluiceModule.forRootAsync<Signed>({ useFactory: () => ({ key: ({ request }) => request.user?.tenant }) })
Sluice<Signed>({ classify: ({ request }) => (request.user === undefined ? 'low' : 'high') })
// @ts-expect-error: there is no such member
Sluice<Signed>({ classify: ({ request }) => request.users })
