import type { Gate } from '../../src/index.ts'
import type { LawHandler, LawServer } from '../../src/testing/http-laws.ts'

type Start = (gate: Gate, handle: LawHandler) => Promise<LawServer>

/** Every door that is held to the laws: a name, and how a server behind it is started. */
export const DOORS: Readonly<Record<string, () => Promise<Start>>> = {
  node: async () => (await import('./http-laws-node.ts')).start,
  'express 5': async () => (await import('./http-laws-express.ts')).start5,
  'express 4': async () => (await import('./http-laws-express.ts')).start4,
  'hono on @hono/node-server': async () => (await import('./http-laws-web.ts')).startHono,
  'fetch on @hono/node-server': async () => (await import('./http-laws-web.ts')).startFetch,
  fastify: async () => (await import('./http-laws-fastify.ts')).start,
  'nest on Express': async () => (await import('./http-laws-nest.ts')).start,
  koa: async () => (await import('./http-laws-koa.ts')).start,
}

/** Doors that the laws must find wanting. */
export const WRONG: Readonly<Record<string, () => Promise<Start>>> = {
  'wrong: on finish alone': async () => (await import('./http-laws-wrong.ts')).onFinishAlone,
  'wrong: on the close of the request': async () => (await import('./http-laws-wrong.ts')).onRequestClose,
}
