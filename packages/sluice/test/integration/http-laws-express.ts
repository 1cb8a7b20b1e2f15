import { createServer } from 'node:http'
import { createRequire } from 'node:module'
import express from 'express'
import { protect } from '../../src/servers/express.ts'
import type { Gate } from '../../src/index.ts'
import type { LawHandler, LawServer } from '../../src/testing/http-laws.ts'
import { exchangeOf } from './http-laws-node.ts'
import { listen } from './loopback.ts'

// Installed beside Express 5 under another name, without types of its own.
const express4 = createRequire(import.meta.url)('express4') as typeof express

function starting(version: typeof express) {
  return (gate: Gate, handle: LawHandler): Promise<LawServer> => {
    const app = version()
    // Errors are not logged.
    app.set('env', 'test')
    app.use(protect({ gate }))
    app.use((req, res) => handle(exchangeOf(req, res)))
    return listen(createServer(app))
  }
}

export const start5: (gate: Gate, handle: LawHandler) => Promise<LawServer> = starting(express)
export const start4: (gate: Gate, handle: LawHandler) => Promise<LawServer> = starting(express4)
