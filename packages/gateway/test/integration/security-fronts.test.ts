import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect as open } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { connect, Scene } from './proxy-rig.ts'
import { startRun } from './run-child.ts'
import { freePort } from './free-port.ts'

const H = 'host: a\r\n'
const INNER = `GET /smuggled HTTP/1.1\r\n${H}\r\n`
const chunk = (text: string): string => `${text.length.toString(16)}\r\n${text}\r\n`

/** Each hides a second request from one of two readers. What follows is an honest request of somebody else. */
const SHAPES: readonly string[] = [
  ...['', ' ', '\t', '\x0b', '\x00'].flatMap((sign) => [
    `transfer-encoding:${sign}chunked\r\ncontent-length: ${INNER.length + 5}\r\n\r\n0\r\n\r\n${INNER}`,
    `content-length: ${INNER.length + 5}\r\ntransfer-encoding: chunked${sign}\r\n\r\n0\r\n\r\n${INNER}`,
  ]),
  ...[
    'identity, chunked',
    'chunked, identity',
    'xchunked',
    'chunked;q=1',
    '"chunked"',
    'cow',
    'chunked,',
    ',chunked',
  ].map((coding) => `transfer-encoding: ${coding}\r\n\r\n0\r\n\r\n${INNER}`),
  ...['+0', '0, 0', '0x0', '-0', ' 0 0', '0\r\ncontent-length: 0', `0\r\ncontent-length: ${INNER.length}`].map(
    (length) => `content-length: ${length}\r\n\r\n${INNER}`,
  ),
  ...['0\r\n\r\n', '00\r\n\r\n', '0;\r\n\r\n', '0 \r\n\r\n', '0\n\n', '0\r\n\n', '0;a="\r\n\r\n'].map(
    (end) => `transfer-encoding: chunked\r\n\r\n${end}${INNER}`,
  ),
  `transfer-encoding: chunked\r\n\r\n${chunk(INNER)}0\r\n\r\n`,
  `content-length: ${INNER.length}\r\n\r\n${INNER}`,
  `expect: 100-continue\r\ncontent-length: ${INNER.length}\r\n\r\n${INNER}`,
  `connection: content-length\r\ncontent-length: ${INNER.length}\r\n\r\n${INNER}`,
  `connection: transfer-encoding\r\ntransfer-encoding: chunked\r\n\r\n${chunk(INNER)}0\r\n\r\n`,
  `upgrade: h2c\r\nconnection: upgrade\r\ncontent-length: ${INNER.length}\r\n\r\n${INNER}`,
  `x-a: b\r\n content-length: 5\r\ncontent-length: ${INNER.length}\r\n\r\n${INNER}`,
  `x-a: b\ncontent-length: 0\r\ncontent-length: ${INNER.length}\r\n\r\n${INNER}`,
]

const FRONTS = {
  nginx: {
    program: '/usr/sbin/nginx',
    config: (port: number, to: number, folder: string) =>
      `${process.getuid?.() === 0 ? 'user root;' : ''} daemon off; worker_processes 1; pid ${folder}/pid; error_log /dev/null;
events { worker_connections 64; }
http { access_log off; client_body_temp_path ${folder}/b; proxy_temp_path ${folder}/p; fastcgi_temp_path ${folder}/f;
  uwsgi_temp_path ${folder}/u; scgi_temp_path ${folder}/s;
  upstream up { server 127.0.0.1:${to}; keepalive 1; }
  server { listen 127.0.0.1:${port}; location / { proxy_pass http://up; proxy_http_version 1.1;
    proxy_set_header Connection ""; proxy_request_buffering off; } } }\n`,
    args: (file: string, folder: string) => ['-c', file, '-p', folder, '-e', '/dev/null'],
  },
  haproxy: {
    program: '/usr/sbin/haproxy',
    config: (port: number, to: number) =>
      `defaults\n mode http\n timeout connect 5s\n timeout client 5s\n timeout server 5s\n http-reuse always
frontend f\n bind 127.0.0.1:${port}\n default_backend b\nbackend b\n server s 127.0.0.1:${to}\n`,
    args: (file: string) => ['-db', '-f', file],
  },
} as const

for (const [name, front] of Object.entries(FRONTS))
  describe(
    `smuggling through ${name}`,
    { skip: existsSync(front.program) ? false : `${name} is not installed` },
    () => {
      const stage = new Scene()
      const reached: string[] = []
      let port = 0
      let gatewayPort = 0

      before(async () => {
        const upstream = await stage.upstream((req, res) => {
          reached.push(`${req.method} ${req.url}`)
          req.resume().on('end', () => res.end('ok'))
        })
        const run = await startRun(upstream)
        stage.onEnd(() => run.stop())
        gatewayPort = run.port
        const folder = mkdtempSync(join(tmpdir(), `sluice-${name}-`))
        stage.onEnd(() => rmSync(folder, { recursive: true, force: true }))
        port = await freePort()
        const file = join(folder, 'front.conf')
        writeFileSync(file, front.config(port, run.port, folder))
        const child = spawn(front.program, front.args(file, folder), { stdio: 'ignore' })
        stage.onEnd(async () => {
          const gone = once(child, 'exit')
          if (child.exitCode === null && child.kill('SIGTERM')) await gone
        })
        for (let i = 0; !(await takes(port)); i++) {
          if (i > 200) throw new Error(`${name} does not answer`)
          await sleep(20)
        }
      })
      after(() => stage.end())

      async function send(text: string, to: number): Promise<string> {
        const client = await connect(to)
        try {
          client.send(Buffer.from(text, 'latin1'))
          const end = performance.now() + 1500
          let seen = -1
          // Until nothing more comes.
          while (!client.closed && performance.now() < end && (seen < 1 || client.received().length > seen)) {
            seen = client.received().length
            await sleep(seen === 0 ? 10 : 25)
          }
          return client.received()
        } finally {
          client.leave()
        }
      }

      it(`${SHAPES.length} shapes: no request reaches the upstream that was hidden in another, and the next one is honest`, async (t) => {
        const first: string[] = []
        for (const [index, shape] of SHAPES.entries()) {
          reached.length = 0
          const text = await send(`POST /x HTTP/1.1\r\n${H}${shape}`, port)
          // What ${name} itself took for two requests it has passed on as two: it is the reader in front who decides.
          const answers = text.split('HTTP/1.1 ').filter((part) => /^[2-5]\d\d/.test(part)).length
          const smuggled = reached.filter((line) => line.includes('/smuggled')).length
          assert.ok(smuggled === 0 || answers >= 2, `${JSON.stringify(shape)}: ${reached.join(', ')}; ${text}`)
          first.push(text.slice(9, 12))
          const honest = await send(`GET /honest${index} HTTP/1.1\r\n${H}connection: close\r\n\r\n`, port)
          assert.match(honest, /^HTTP\/1\.1 200 /, JSON.stringify(shape))
          assert.match(honest, /ok/)
          assert.equal(reached.at(-1), `GET /honest${index}`, JSON.stringify(shape))
        }
        t.diagnostic(first.join(' '))
        assert.ok(first.some((status) => status === '200') && first.some((status) => status === '400'))
      })

      it('the same straight to the gateway: each is one request, or as many as there are answers', async () => {
        for (const shape of SHAPES) {
          reached.length = 0
          const text = await send(`POST /x HTTP/1.1\r\n${H}${shape}`, gatewayPort)
          const answers = text.split('HTTP/1.1 ').filter((part) => /^[2-5]\d\d/.test(part)).length
          assert.ok(reached.length <= answers, `${JSON.stringify(shape)}: ${reached.join(', ')}; ${text}`)
        }
      })
    },
  )

function takes(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = open(port, '127.0.0.1')
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
    socket.once('connect', () => socket.destroy())
  })
}
