import assert from 'node:assert/strict'
import type { LookupFunction } from 'node:net'
import { describe, it } from 'node:test'
import { VirtualClock } from 'sluice/sim'
import { refuseLinkLocal } from '../../src/assembly/refuse-link-local.ts'
import { startGateway } from '../../src/gateway.ts'
import { planOf } from '../integration/config-rig.ts'

const NAMES: Readonly<Record<string, string>> = {
  'metadata.google.internal': '169.254.169.254',
  'keys.example': 'fd00:ec2::254',
  'shop.internal': '10.0.0.5',
}

const lookup: LookupFunction = (hostname, _options, callback) => {
  const address = NAMES[hostname]
  if (address === undefined) callback(Object.assign(new Error(hostname), { code: 'ENOTFOUND' }), [])
  else callback(null, address, address.includes(':') ? 6 : 4)
}

const servers = (...hosts: readonly string[]): string => hosts.map((host) => `{ url: "http://${host}" }`).join(', ')

describe('names of upstreams and key sets, at the start', () => {
  it('one line for each that leads to metadata says which, and what would be right', async () => {
    const plan = planOf(`
upstreams: { app: { servers: [${servers('shop.internal', 'metadata.google.internal')}] } }
tenants: { from: jwt, jwks: "https://keys.example/set" }`)
    await assert.rejects(refuseLinkLocal(plan, { lookup }), {
      name: 'ConfigProblems',
      message:
        'upstreams.app.servers[1].url: expected an address that is neither link-local nor of cloud metadata, ' +
        'or upstreams.app.allowLinkLocal: true, got "http://metadata.google.internal/"\n' +
        'tenants.jwks: expected an address that is neither link-local nor of cloud metadata, ' +
        'or tenants.allowLinkLocal: true, got "https://keys.example/set"',
    })
  })

  it('they may, where the configuration says so; and what cannot be looked up may be good later', async () => {
    const plan = planOf(`
upstreams:
  app: { allowLinkLocal: true, servers: [${servers('metadata.google.internal')}] }
  other: { servers: [${servers('nowhere.example')}] }
routes: [{ upstream: app }]
tenants: { from: jwt, jwks: "https://keys.example/set", allowLinkLocal: true }`)
    await refuseLinkLocal(plan, { lookup })
  })

  it('a resolver that does not answer holds it up for a second', async () => {
    const clock = new VirtualClock()
    const done = refuseLinkLocal(planOf(`upstreams: { app: { servers: [${servers('slow.example')}] } }`), {
      lookup: () => {},
      clock,
    })
    clock.advance(1000)
    await done
    assert.equal(clock.pending, 0)
  })

  it('a gateway asks, whatever made its plan', async () => {
    const plan = planOf(`upstreams: { app: { servers: [${servers('127.0.0.1:1')}] } }`)
    const app = { ...plan.upstreams['app']!, servers: [{ url: 'http://169.254.1.1', weight: 1 }] }
    await assert.rejects(startGateway({ config: { ...plan, upstreams: { app } } }), /upstreams\.app\.servers\[0\]\.url/)
  })
})
