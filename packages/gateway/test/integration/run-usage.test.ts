import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { runToEnd } from './run-child.ts'
import { scene } from './proxy-rig.ts'

const UPSTREAM = ['--upstream', 'http://127.0.0.1:1']
const PORTS = ['--host', '127.0.0.1', '--port', '0', '--admin-port', '0']

const BAD: readonly (readonly [what: string, parameters: readonly string[], says: RegExp])[] = [
  ['an unknown command', ['rum'], /unknown command 'rum'/],
  ['help of an unknown command', ['help', 'rum'], /unknown command 'rum'.*run/],
  ['an unknown command with --help', ['rum', '--help'], /unknown command 'rum'.*run/],
  ['an upstream that nobody can be', ['emulate', 'cohere'], /expected server, openai or anthropic, got cohere/],
  ['an unknown flag', ['run', ...UPSTREAM, '--frob'], /unknown option '--frob'/],
  ['no upstream', ['run'], /--upstream/],
  ['an upstream that is no URL', ['run', '--upstream', 'nope'], /'nope' is invalid. Expected an origin like http/],
  ['an upstream of another scheme', ['run', '--upstream', 'ftp://a'], /Expected an origin/],
  ['an upstream with a path', ['run', '--upstream', 'http://a/b'], /Expected an origin/],
  [
    'a port out of range',
    ['run', ...UPSTREAM, '--port', '70000'],
    /'70000' is invalid. Expected a whole number from 0 to 65535/,
  ],
  ['a limit of 0', ['run', ...UPSTREAM, '--max-concurrent', '0'], /from 1 to/],
  ['a duration without a unit', ['run', ...UPSTREAM, '--wait-timeout', '3'], /not a duration/],
  ['a preset nobody has', ['run', ...UPSTREAM, '--preset', 'prod'], /development, staging, production/],
  [
    'a threshold below the limit',
    ['run', ...UPSTREAM, '--max-concurrent', '9', '--reject-threshold', '5'],
    /at least the 9/,
  ],
  ['one word too many', ['run', ...UPSTREAM, 'a.yaml', 'extra'], /too many arguments/],
  ['a file that is not there', ['run', 'nowhere.yaml'], /nowhere.yaml: cannot be read \(ENOENT\)/],
  [
    'an address that is not ours',
    ['run', ...UPSTREAM, '--admin-port', '0', '--port', '0', '--host', '203.0.113.9'],
    /203\.0\.113\.9/,
  ],
]

describe('sluice run, used badly', () => {
  for (const [what, parameters, says] of BAD)
    it(`${what}: one line and exit 2`, async () => {
      const { code, out, err } = await runToEnd(parameters)
      assert.equal(code, 2)
      assert.match(err, says)
      assert.match(err, /^sluice: [^\n]+\n$/)
      assert.equal(out, '')
    })

  for (const [name, value] of [
    ['ENABLE_BACKPRESSURE', 'maybe'],
    ['BACKPRESSURE_MAX_CONCURRENT', '0'],
    ['BACKPRESSURE_QUEUE_CAPACITY', '-1'],
    ['BACKPRESSURE_WAIT_TIMEOUT', '3s'],
    ['BACKPRESSURE_REJECT_THRESHOLD', 'many'],
    ['SLUICE_UPSTREAM_CLIENT', 'curl'],
  ] as const)
    it(`S3.4 ${name}=${value}: one line and exit 2`, async () => {
      const { code, err } = await runToEnd(['run', ...UPSTREAM, ...PORTS], { [name]: value })
      assert.equal(code, 2)
      assert.match(err, new RegExp(`^sluice: ${name} is "${value}"; expected [^\\n]+\\n$`))
    })

  it('a taken port: one line and exit 2, for either port', async () => {
    await scene(async (stage) => {
      const taken = String(await stage.upstream(() => {}))
      const data = await runToEnd(['run', ...UPSTREAM, '--host', '127.0.0.1', '--port', taken, '--admin-port', '0'])
      assert.deepEqual([data.code, data.err], [2, `sluice: port ${taken} is taken; choose another with --port\n`])
      const admin = await runToEnd(['run', ...UPSTREAM, '--host', '127.0.0.1', '--port', '0', '--admin-port', taken])
      assert.deepEqual(
        [admin.code, admin.err],
        [2, `sluice: port ${taken} is taken; choose another with --admin-port\n`],
      )
    })
  })

  it('--help has examples and exits 0', async () => {
    const { code, out, err } = await runToEnd(['run', '--help'])
    assert.equal(code, 0)
    assert.match(out, /\$ sluice run --upstream http:\/\/127\.0\.0\.1:3000\n/)
    assert.equal(err, '')
  })
})
