import assert from 'node:assert/strict'
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { freePort } from './free-port.ts'

interface Runtime {
  readonly name: string
  /** The environment variable that names its binary. */
  readonly variable: string
  /** Files to write beside the bundled app, and how to start it. */
  readonly files: (port: number) => Readonly<Record<string, string>>
  readonly args: readonly string[]
  /** Whether a request may wait until another one wakes it. */
  readonly waits: boolean
}

const RUNTIMES: readonly Runtime[] = [
  {
    name: 'Bun',
    variable: 'SLUICE_BUN',
    files: (port) => ({
      'main.mjs': `import { app } from './app.mjs'\nBun.serve({ port: ${port}, hostname: '127.0.0.1', fetch: app })\n`,
    }),
    args: ['main.mjs'],
    waits: true,
  },
  {
    name: 'Deno',
    variable: 'SLUICE_DENO',
    files: (port) => ({
      'main.mjs': `import { app } from './app.mjs'\nDeno.serve({ port: ${port}, hostname: '127.0.0.1' }, app)\n`,
    }),
    args: ['run', '--allow-net', 'main.mjs'],
    waits: true,
  },
  {
    name: 'workerd',
    variable: 'SLUICE_WORKERD',
    files: (port) => ({
      'main.mjs': `import { app } from './app.mjs'\nexport default { fetch: app }\n`,
      'config.capnp': `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [(name = "main", worker = .worker)],
  sockets = [(name = "http", address = "127.0.0.1:${port}", http = (), service = "main")],
);
const worker :Workerd.Worker = (
  modules = [
    (name = "main.mjs", esModule = embed "main.mjs"),
    (name = "./app.mjs", esModule = embed "app.mjs"),
  ],
  compatibilityDate = "2026-11-01",
  compatibilityFlags = ["enable_request_signal"],
);
`,
    }),
    args: ['serve', 'config.capnp'],
    waits: false,
  },
]

for (const runtime of RUNTIMES) {
  const binary = process.env[runtime.variable] || undefined
  const skip = binary === undefined ? `no ${runtime.name} here: ${runtime.variable} is not set` : false

  describe(`sluice/fetch on ${runtime.name}`, { skip }, () => {
    let folder: string
    let child: ChildProcess
    let url: string
    let errors = ''

    const stats = async (): Promise<{ inflight: number; queued: number }> =>
      (await (await fetch(`${url}/stats`)).json()) as { inflight: number; queued: number }

    async function holds(inflight: number, queued: number): Promise<void> {
      let now = await stats()
      for (const end = Date.now() + 5000; now.inflight !== inflight || now.queued !== queued; now = await stats()) {
        assert.ok(
          Date.now() < end,
          `waited 5 s in vain for ${inflight} in flight, ${queued} queued: ${JSON.stringify(now)} ${errors}`,
        )
        await sleep(10)
      }
    }

    before(async () => {
      folder = mkdtempSync(join(tmpdir(), 'sluice-runtime-'))
      const port = await freePort()
      url = `http://127.0.0.1:${port}`
      await build({
        entryPoints: [fileURLToPath(new URL('runtime-app.js', import.meta.url))],
        outfile: join(folder, 'app.mjs'),
        bundle: true,
        format: 'esm',
        platform: 'neutral',
        logLevel: 'silent',
      })
      for (const [name, text] of Object.entries(runtime.files(port))) writeFileSync(join(folder, name), text)
      const env = {
        PATH: process.env['PATH'],
        HOME: folder,
        DENO_DIR: folder,
        NO_COLOR: '1',
        DENO_NO_UPDATE_CHECK: '1',
      }
      child = spawn(binary!, runtime.args, { cwd: folder, env, stdio: ['ignore', 'ignore', 'pipe'] })
      child.stderr!.setEncoding('utf8').on('data', (part: string) => (errors += part))
      for (const end = Date.now() + 10_000; ; await sleep(20)) {
        try {
          await stats()
          break
        } catch {
          assert.ok(Date.now() < end && child.exitCode === null, `${runtime.name} did not start: ${errors}`)
        }
      }
    })

    after(async () => {
      if (child.exitCode === null && child.kill('SIGKILL')) await once(child, 'exit')
      rmSync(folder, { recursive: true, force: true })
    })

    it('serves, and gives the slot back when the body has ended', async () => {
      const response = await fetch(`${url}/`, { method: 'POST', body: 'work' })
      assert.deepEqual([response.status, await response.text()], [200, 'done work'])
      await holds(0, 0)
    })

    it('refuses with everything S3.3 asks for', async () => {
      const first = fetch(`${url}/hold`)
      await holds(1, 0)
      const waiting = runtime.waits ? fetch(`${url}/`) : undefined
      const queued = runtime.waits ? 1 : 0
      await holds(1, queued)
      const refused = await fetch(`${url}/`)
      assert.equal(refused.status, 503)
      assert.equal(refused.headers.get('retry-after'), '1')
      const code = runtime.waits ? 'queue_full' : 'limit_exceeded'
      assert.equal(refused.headers.get('sluice-rejection'), `${code};gate="smoke";load=2;limit=1`)
      assert.equal(((await refused.json()) as { error: { code: string } }).error.code, code.toUpperCase())
      await sleep(120)
      await (await fetch(`${url}/finish`)).text()
      assert.equal(await (await first).text(), 'done ')
      const waited = await waiting
      if (waited !== undefined) {
        assert.equal(await waited.text(), 'done ')
        assert.match(waited.headers.get('x-queue-wait-time') ?? '', /^\d\.\d{3}$/)
      }
      await holds(0, 0)
    })

    it('a handler that throws gives the slot back', async () => {
      assert.equal((await fetch(`${url}/throw`)).status, 500)
      await holds(0, 0)
    })

    it('a client that leaves in the middle of the body gives the slot back', async () => {
      const leaving = new AbortController()
      const response = await fetch(`${url}/stream`, { signal: leaving.signal })
      const { value } = await response.body!.getReader().read()
      assert.equal(new TextDecoder().decode(value), 'part one')
      await holds(1, 0)
      leaving.abort()
      await holds(0, 0)
    })

    const unable = runtime.waits ? false : `on ${runtime.name} nobody waits`
    it('a client that leaves while it waits stops waiting', { skip: unable }, async () => {
      const leaving = new AbortController()
      const first = fetch(`${url}/hold`)
      await holds(1, 0)
      const second = fetch(`${url}/`, { signal: leaving.signal }).catch(() => undefined)
      await holds(1, 1)
      leaving.abort()
      await second
      await holds(1, 0)
      await (await fetch(`${url}/finish`)).text()
      await (await first).text()
      await holds(0, 0)
    })
  })
}
