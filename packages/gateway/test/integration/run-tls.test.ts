import assert from 'node:assert/strict'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join, dirname } from 'node:path'
import { describe, it } from 'node:test'
import { connect as secure, type TLSSocket } from 'node:tls'
import { app } from './config-rig.ts'
import { scene, until, type Scene } from './proxy-rig.ts'
import { launchRun, runToEnd, startRun } from './run-child.ts'
import { askStream, certificate, listenTls, noOpenssl, session, type Certificate } from './tls-rig.ts'

const flagsOf = ({ cert, key }: Certificate): string[] => ['--tls-cert', cert, '--tls-key', key]

async function serialShown(stage: Scene, port: number): Promise<string> {
  const socket: TLSSocket = secure({ host: '127.0.0.1', port, rejectUnauthorized: false })
  stage.onEnd(() => void socket.destroy())
  await once(socket, 'secureConnect')
  return socket.getPeerCertificate().serialNumber
}

/** Another certificate in the same files, taken over. */
async function renewed(stage: Scene, run: Awaited<ReturnType<typeof launchRun>>, shown: Certificate): Promise<void> {
  certificate(stage, shown)
  run.kill('SIGHUP')
  await until('a word of it', () => /SIGHUP: .* is in force/.test(run.err()))
}

describe('sluice run behind TLS', { skip: noOpenssl }, () => {
  it('takes a certificate by flags, another one by SIGHUP, keeps it when a bad one follows, and drains', async () => {
    await scene(async (stage) => {
      const port = await stage.upstream((_req, res) => void res.end('x'))
      const shown = certificate(stage)
      const run = await startRun(port, ...flagsOf(shown))
      stage.onEnd(() => run.stop())
      assert.match(run.out(), /^sluice: https:\/\/127\.0\.0\.1:\d+ -> /)
      const on = await session(stage, run.port, shown)
      assert.equal((await askStream(on)).body.toString(), 'x')
      const before = await serialShown(stage, run.port)
      await renewed(stage, run, shown)
      const after = await serialShown(stage, run.port)
      assert.notEqual(after, before)
      writeFileSync(shown.cert, 'nothing')
      run.kill('SIGHUP')
      await until('a word of what is wrong', () => run.err().includes('nothing has changed'))
      assert.match(run.err(), /sluice: listen\.tls\.cert: expected a PEM file with a certificate[^\n]*no certificate/)
      assert.equal(await serialShown(stage, run.port), after)
      assert.equal((await askStream(on)).body.toString(), 'x')
      run.kill('SIGTERM')
      assert.deepEqual(await run.ended, { code: 0, signal: null })
      await until('the end of the session', () => on.destroyed)
    })
  })

  it('several processes serve one port, and end in order', async () => {
    await scene(async (stage) => {
      const port = await stage.upstream((_req, res) => void res.end('x'))
      const shown = certificate(stage)
      const config = join(dirname(shown.cert), 'sluice.yaml')
      writeFileSync(config, listenTls(shown) + app(port))
      const run = await launchRun(config, '--workers', '2')
      stage.onEnd(() => run.stop())
      assert.match(run.out(), /^sluice: https:/)
      for (let i = 0; i < 6; i++) {
        const on = await session(stage, run.port, shown)
        assert.equal((await askStream(on)).body.toString(), 'x')
      }
      const before = await serialShown(stage, run.port)
      await renewed(stage, run, shown)
      const seen = new Set<string>()
      for (let i = 0; i < 6; i++) seen.add(await serialShown(stage, run.port))
      assert.deepEqual([seen.size, seen.has(before)], [1, false])
      writeFileSync(shown.key, 'nothing')
      run.kill('SIGHUP')
      await until('a word of what is wrong', () => run.err().includes('nothing has changed'))
      assert.match(run.err(), /listen\.tls\.key: expected a PEM file/)
      for (let i = 0; i < 4; i++) assert.ok(seen.has(await serialShown(stage, run.port)))
      run.kill('SIGTERM')
      assert.equal((await run.ended).code, 0)
    })
  })

  it('S3.3 says what is wrong in a line, at start and at check, and exits with 2', async () => {
    await scene(async (stage) => {
      const shown = certificate(stage)
      const config = join(dirname(shown.cert), 'sluice.yaml')
      writeFileSync(config, listenTls(shown) + app(1))
      const [good, bad, start, half] = await Promise.all([
        runToEnd(['check', config]),
        runToEnd(['check', config, '--tls-cert', config]),
        runToEnd(['run', config, '--tls-key', join(dirname(shown.key), 'none')]),
        runToEnd(['run', '--upstream', 'http://127.0.0.1:1'], { SLUICE_TLS_CERT: shown.cert }),
      ])
      assert.equal(good.code, 0)
      assert.match(good.out, /requests +127\.0\.0\.1:0 +TLS \(TLSv1\.2 and later, h2 and http\/1\.1\) with /)
      assert.match(good.out, /the certificate for DNS:localhost, IP Address:127\.0\.0\.1 is good until \d{4}-/)
      for (const { code, out } of [bad, start, half]) assert.deepEqual([code, out], [2, ''])
      assert.match(bad.err, /^sluice: listen\.tls\.cert: expected a PEM file .*sluice\.yaml \(no certificate\)\n$/)
      assert.match(start.err, /^sluice: listen\.tls\.key: expected a PEM file .*none \(ENOENT\)\n$/)
      assert.equal(half.err, 'sluice: --tls-key: expected a file beside --tls-cert, got nothing\n')
    })
  })
})
