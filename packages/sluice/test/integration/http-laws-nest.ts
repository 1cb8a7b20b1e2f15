import type { AddressInfo } from 'node:net'
import { All, Controller, Module, Req, Res } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import type { Request, Response } from 'express'
import { SluiceModule } from '../../src/servers/nest.ts'
import type { Gate } from '../../src/index.ts'
import type { LawHandler, LawServer } from '../../src/testing/http-laws.ts'
import { exchangeOf } from './http-laws-node.ts'

export async function start(gate: Gate, handle: LawHandler): Promise<LawServer> {
  // Decorators are functions, and need no syntax of their own.
  class LawController {
    answer(request: Request, response: Response): void {
      try {
        handle(exchangeOf(request, response))
      } catch (error) {
        // Nest would end what has begun as if it were whole, and whoever writes it by hand has to know.
        if (!response.headersSent) throw error
        response.destroy()
      }
    }
  }
  const { prototype } = LawController
  All('*all')(prototype, 'answer', Object.getOwnPropertyDescriptor(prototype, 'answer')!)
  Req()(prototype, 'answer', 0)
  Res()(prototype, 'answer', 1)
  Controller()(LawController)
  class LawModule {
    readonly name = 'laws'
  }
  Module({ imports: [SluiceModule.forRoot({ gate })], controllers: [LawController] })(LawModule)
  const app = await NestFactory.create(LawModule, { logger: false, bodyParser: false })
  await app.listen(0, '127.0.0.1')
  const server = app.getHttpServer() as { address(): AddressInfo; closeAllConnections(): void }
  return {
    port: server.address().port,
    close: async () => {
      server.closeAllConnections()
      await app.close()
    },
  }
}
