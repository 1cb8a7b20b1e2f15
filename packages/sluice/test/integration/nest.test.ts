import assert from 'node:assert/strict'
import type { AddressInfo } from 'node:net'
import { describe, it } from 'node:test'
import {
  Controller,
  Get,
  HttpException,
  Module,
  Res,
  UseGuards,
  UseInterceptors,
  type INestApplication,
} from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import type { Request as ExpressRequest, Response as ExpressResponse } from 'express'
import { mergeAll, NEVER, Observable, of, throwError } from 'rxjs'
import type { Caller } from '../../src/http/index.ts'
import { RejectedError, semaphore, type Gate } from '../../src/index.ts'
import {
  SkipSluice,
  Sluice,
  SluiceGates,
  SluiceGuard,
  SluiceInterceptor,
  SluiceModule,
  type NestContext,
  type NestDynamicModule,
  type NestSettings,
  type SluiceDecorator,
} from '../../src/servers/nest.ts'
import { until } from './waiting.ts'

interface Handler {
  readonly path: string
  readonly handle: (response: ExpressResponse) => unknown
  readonly decorators?: readonly SluiceDecorator[]
  /** Whether Nest sends what the handler returns. */
  readonly passthrough?: boolean
}

/** A controller made of plain functions: decorators are functions, and need no syntax of their own. */
function controllerOf(handlers: readonly Handler[], ...decorators: readonly SluiceDecorator[]): new () => object {
  class TestController {
    readonly routes = handlers.length
  }
  for (const [index, { path, handle, decorators: own = [], passthrough = false }] of handlers.entries()) {
    const name = `handler${index}`
    Object.defineProperty(TestController.prototype, name, {
      value: (response: ExpressResponse) => handle(response),
      configurable: true,
      writable: true,
    })
    const descriptor = Object.getOwnPropertyDescriptor(TestController.prototype, name)!
    Get(path)(TestController.prototype, name, descriptor)
    Res({ passthrough })(TestController.prototype, name, 0)
    for (const decorate of own) decorate(TestController.prototype, name, descriptor)
  }
  Controller()(TestController)
  for (const decorate of decorators) decorate(TestController)
  return TestController
}

interface Started {
  readonly app: INestApplication
  readonly port: number
  readonly close: () => Promise<void>
}

async function start(
  module: NestDynamicModule,
  controller: new () => object,
  prepare?: (app: INestApplication) => void,
): Promise<Started> {
  class AppModule {
    readonly name = 'app'
  }
  Module({ imports: [module], controllers: [controller] })(AppModule)
  const app = await NestFactory.create(AppModule, { logger: false, abortOnError: false })
  prepare?.(app)
  await app.listen(0, '127.0.0.1')
  const server = app.getHttpServer() as { address(): AddressInfo; closeAllConnections(): void }
  return {
    app,
    port: server.address().port,
    close: async () => {
      server.closeAllConnections()
      await app.close()
    },
  }
}

async function serving(
  module: NestDynamicModule,
  controller: new () => object,
  prove: (url: string, app: INestApplication) => Promise<void>,
  prepare?: (app: INestApplication) => void,
): Promise<void> {
  const { app, port, close } = await start(module, controller, prepare)
  try {
    await prove(`http://127.0.0.1:${port}`, app)
  } finally {
    await close()
  }
}

describe('sluice/nest', () => {
  it('a handler and a class have settings of their own, a gate of their own, or nothing to do with it', async () => {
    const gate = semaphore({ permits: 1, name: 'common' })
    const ok = (): string => 'ok'
    const handlers: readonly Handler[] = [
      { path: '/common', handle: ok, passthrough: true },
      { path: '/skipped', handle: ok, passthrough: true, decorators: [SkipSluice()] },
      { path: '/own', handle: ok, passthrough: true, decorators: [Sluice({ limit: 1 })] },
      { path: '/critical', handle: ok, passthrough: true, decorators: [Sluice({ lane: 'critical' })] },
    ]
    await serving(SluiceModule.forRoot({ gate }), controllerOf(handlers), async (url, app) => {
      const held = gate.tryEnter()
      assert.ok(held.admitted)
      const paths = ['/common', '/skipped', '/own', '/critical']
      const statuses = await Promise.all(paths.map(async (path) => (await fetch(url + path)).status))
      assert.deepEqual(statuses, [503, 200, 200, 200])
      assert.equal(app.get(SluiceGates).common.gate, gate)
    })
    const back: Handler = { path: '/back', handle: ok, passthrough: true, decorators: [Sluice()] }
    const all = controllerOf([{ path: '/', handle: ok, passthrough: true }, back], SkipSluice())
    await serving(SluiceModule.forRoot({ gate }), all, async (url) => {
      assert.equal((await fetch(url)).status, 200, 'the whole class is left alone')
      assert.equal((await fetch(`${url}/back`)).status, 503, 'but for those that say otherwise')
    })
  })

  it('what a handler throws is answered by Nest, and its status teaches the gate', async () => {
    const handlers: readonly Handler[] = [
      {
        path: '/teapot',
        handle: () => {
          throw new HttpException('short and stout', 418)
        },
      },
      {
        path: '/broken',
        handle: () => {
          throw new Error('broken')
        },
      },
    ]
    await serving(SluiceModule.forRoot(), controllerOf(handlers), async (url, app) => {
      assert.deepEqual([(await fetch(`${url}/teapot`)).status, (await fetch(`${url}/broken`)).status], [418, 500])
      const { tally } = app.get(SluiceGates).common
      await until('both', () => tally!.releasesBy.success === 1 && tally!.releasesBy.failure === 1)
    })
  })

  it('a handler that fails when its response has begun is a failure, though Nest ends it as a 200', async () => {
    const handle = (response: ExpressResponse): never => {
      response.write('part one')
      throw new Error('broken')
    }
    await serving(SluiceModule.forRoot(), controllerOf([{ path: '/', handle }]), async (url, app) => {
      const answer = await fetch(url)
      assert.deepEqual([answer.status, await answer.text()], [200, 'part one'])
      const { tally } = app.get(SluiceGates).common
      await until('the end of the permit', () => tally!.releasesBy.failure === 1)
      assert.equal(tally!.releasesBy.success, 0)
    })
  })

  it('S1.6 a handler over its time gets 504, and what it returns later harms nobody', async () => {
    let late: (() => void) | undefined
    const slow = async (): Promise<string> => {
      await new Promise<void>((resolve) => (late = resolve))
      return 'late'
    }
    const handlers = [{ path: '/', handle: slow, passthrough: true }]
    await serving(SluiceModule.forRoot({ timeout: 50 }), controllerOf(handlers), async (url, app) => {
      assert.equal((await fetch(url)).status, 504)
      const { gate } = app.get(SluiceGates).common
      assert.equal(gate.stats.inflight, 0)
      late!()
      assert.equal((await fetch(`${url}/nowhere`)).status, 404)
    })
  })

  it('guard and interceptor can be named again, as Nest names its own: the gate is asked once all the same', async () => {
    const gate = semaphore({ permits: 1, name: 'api' })
    const controller = controllerOf([{ path: 'named', handle: (response) => void response.send('named') }])
    UseGuards(SluiceGuard)(controller)
    UseInterceptors(SluiceInterceptor)(controller)
    await serving(SluiceModule.forRoot({ gate }), controller, async (url) => {
      const response = await fetch(`${url}/named`)
      assert.deepEqual([response.status, await response.text()], [200, 'named'])
      await until('the slot', () => gate.stats.inflight === 0)
    })
  })

  it('takes options that other providers know', async () => {
    const module = SluiceModule.forRootAsync({ useFactory: () => Promise.resolve({ limit: 7 }) })
    await serving(module, controllerOf([{ path: '/', handle: () => 'ok' }]), async (_url, app) => {
      assert.equal(app.get(SluiceGates).common.gate.stats.limit, 7)
    })
  })

  it('an option out of range stops the start with one line that names it', async () => {
    await assert.rejects(start(SluiceModule.forRoot({ limit: 0 }), controllerOf([])), {
      name: 'RangeError',
      message: /^limit: .* got 0/,
    })
  })

  it('an option of a handler or a class that is out of range stops the declaration of its class, not a request', () => {
    const declare = (settings: NestSettings): unknown =>
      controllerOf([{ path: '/', handle: () => 'ok', decorators: [Sluice(settings)] }])
    assert.throws(() => declare({ limit: 0 }), { name: 'RangeError', message: /^limit: .* got 0/ })
    assert.throws(() => declare({ timeout: -1 }), { name: 'RangeError', message: /^timeout: .* got -1/ })
    assert.throws(() => declare({ perConnection: 0 }), RangeError)
    assert.throws(() => declare({ gate: semaphore({ permits: 1 }), limit: 1 }), RangeError)
    declare({ limit: 1, timeout: 1, perConnection: 1 })
  })

  it('the callbacks see the request of the platform: what its middleware left there, and its own members', async () => {
    const seen: unknown[] = []
    const look = ({ ip, originalUrl, user }: Signed): void => void seen.push([ip, originalUrl, user?.tenant])
    const module = SluiceModule.forRoot({
      gate: semaphore({ permits: 1 }),
      key: ({ request }: Caller<Signed>) => (look(request), request.user?.tenant),
      onReject: (_rejection, request) => look(request),
    })
    const handlers = [{ path: '/orders', handle: (): string => 'ok', passthrough: true }]
    const prove = async (url: string, app: INestApplication): Promise<void> => {
      assert.equal((await fetch(`${url}/orders?page=2`)).status, 200)
      const { gate } = app.get(SluiceGates).common
      await until('the end of the permit', () => gate.stats.inflight === 0)
      assert.ok(gate.tryEnter().admitted)
      assert.equal((await fetch(`${url}/orders`)).status, 503)
    }
    const signIn = (app: INestApplication): void =>
      void app.use((request: { user?: object }, _response: object, next: () => void) => {
        request.user = { tenant: 'ann' }
        next()
      })
    await serving(module, controllerOf(handlers), prove, signIn)
    const same = ['127.0.0.1', '/orders', 'ann']
    assert.deepEqual(seen, [['127.0.0.1', '/orders?page=2', 'ann'], same, same])
  })
})

/** A request on which a middleware left who is asking. */
interface Signed extends ExpressRequest {
  readonly user?: { readonly tenant: string }
}

describe('SluiceInterceptor on other transports', () => {
  /** A message of a microservice, as far as the interceptor looks at it. */
  function message(): NestContext {
    class Target {
      readonly name = 'target'
    }
    return {
      getType: () => 'rpc',
      getClass: () => Target,
      getHandler: () => Target,
      switchToHttp: () => assert.fail('there is no HTTP here'),
    }
  }

  function play(source: Observable<unknown>): {
    gate: Gate
    told: unknown[]
    subscribe: () => { unsubscribe(): void }
  } {
    const gate = semaphore({ permits: 1 })
    const told: unknown[] = []
    const interceptor = new SluiceInterceptor(new SluiceGates({ gate }))
    const subscribe = (): { unsubscribe(): void } =>
      // As Nest does with what an interceptor returns.
      of(interceptor.intercept(message(), { handle: () => source }) as Observable<unknown>)
        .pipe(mergeAll())
        .subscribe({
          next: (value) => told.push(value),
          error: (error: unknown) => told.push(error),
          complete: () => told.push('complete'),
        })
    return { gate, told, subscribe }
  }

  it('holds the permit until the observable ends', () => {
    const { gate, told, subscribe } = play(of(1, 2))
    subscribe()
    assert.deepEqual([told, gate.stats.inflight], [[1, 2, 'complete'], 0])
  })

  it('an error ends it, and goes on', () => {
    const broken = new Error('broken')
    const { gate, told, subscribe } = play(throwError(() => broken))
    subscribe()
    assert.deepEqual([told, gate.stats.inflight], [[broken], 0])
  })

  it('whoever unsubscribes gives the slot back', () => {
    const { gate, subscribe } = play(NEVER)
    const subscription = subscribe()
    assert.equal(gate.stats.inflight, 1)
    subscription.unsubscribe()
    assert.equal(gate.stats.inflight, 0)
  })

  it('a refusal is an error of the observable', () => {
    const { gate, told, subscribe } = play(of(1))
    gate.tryEnter()
    subscribe()
    assert.ok(told[0] instanceof RejectedError)
    assert.equal(told[0].code, 'limit_exceeded')
  })
})
