import type { AddressInfo } from 'node:net'
import { PassThrough } from 'node:stream'
import fastify from 'fastify'
import sluice from '../../src/servers/fastify.ts'
import type { Gate } from '../../src/index.ts'
import type { LawHandler, LawServer } from '../../src/testing/http-laws.ts'

export async function start(gate: Gate, handle: LawHandler): Promise<LawServer> {
  const app = fastify()
  await app.register(sluice, { gate })
  // Bodies are the law's affair.
  app.addContentTypeParser('*', (_request, _payload, done) => done(null))
  // As its users do: a text is sent, and what comes in parts is a stream.
  app.all('*', (request, reply) => {
    let stream: PassThrough | undefined
    try {
      handle({
        target: request.url,
        write(part) {
          if (stream === undefined) {
            stream = new PassThrough()
            void reply.send(stream)
          }
          stream.write(part)
        },
        end(part) {
          if (stream === undefined) void reply.send(part)
          else stream.end(part)
        },
      })
    } catch (error) {
      if (stream === undefined) throw error
      stream.destroy(error as Error)
    }
  })
  app.setErrorHandler((_error, _request, reply) => reply.code(500).send('failed'))
  await app.listen({ port: 0, host: '127.0.0.1' })
  return {
    port: (app.server.address() as AddressInfo).port,
    close: async () => {
      app.server.closeAllConnections()
      await app.close()
    },
  }
}
