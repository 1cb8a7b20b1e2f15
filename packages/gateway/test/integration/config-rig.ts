// A gateway from the text of a file, and a client that says what came back.
import { request, type IncomingHttpHeaders, type RequestListener } from 'node:http'
import { configOf, gatewayPlan, type GatewayPlan, type GatewaySettings } from '../../src/config/index.ts'
import { startGateway, type Gateway } from '../../src/gateway.ts'
import type { Scene } from './proxy-rig.ts'

const LISTEN = 'listen: { host: 127.0.0.1, port: 0, adminPort: 0 }'

/** The plan of a text, on free ports of loopback unless it says otherwise. */
export function planOf(text: string, flags: GatewaySettings = {}): GatewayPlan {
  const whole = text.includes('listen:') ? text : `${LISTEN}\n${text}`
  return gatewayPlan({ flags, file: configOf('test.yaml', whole, {}) })
}

export async function gatewayOf(stage: Scene, text: string): Promise<Gateway> {
  const gateway = await startGateway({ config: planOf(text) })
  stage.onEnd(() => gateway.close())
  return gateway
}

/** One upstream called `app` on that port. */
export function app(...ports: readonly number[]): string {
  const servers = ports.map((port) => `{ url: "http://127.0.0.1:${port}" }`).join(', ')
  return `upstreams: { app: { servers: [${servers}] } }\n`
}

export interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

export interface Asked {
  readonly path?: string
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
}

/** Asks on a connection of its own. */
export function ask(port: number, { path = '/', method = 'GET', headers = {}, body }: Asked = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const req = request({ host: '127.0.0.1', port, path, method, headers, agent: false }, (res) => {
      let text = ''
      res.setEncoding('latin1')
      res.on('data', (part: string) => (text += part))
      res.on('end', () => resolve({ status: res.statusCode ?? 0, headers: res.headers, body: text }))
      res.on('error', reject)
    })
    req.on('error', reject)
    req.end(body)
  })
}

/** An upstream that says which one it is, and what it was asked. */
export function named(name: string): RequestListener {
  return (req, res) => {
    res.setHeader('x-served-by', name)
    res.end(`${name} ${req.method} ${req.url}`)
  }
}
