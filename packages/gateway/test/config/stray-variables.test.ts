import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { strayVariables } from '../../src/config/index.ts'

describe('variables that nobody reads', () => {
  it('S3.4 are told where they look like one that is read', () => {
    const environment = { SLUICE_ADMN_TOKEN: 'secret', BACKPRESSURE_MAX_CONCURENT: '50', ENABLE_BACKPRESURE: 'false' }
    assert.deepEqual(strayVariables(environment), [
      'SLUICE_ADMN_TOKEN is no variable of the gateway; perhaps SLUICE_ADMIN_TOKEN',
      'BACKPRESSURE_MAX_CONCURENT is no variable of the gateway; perhaps BACKPRESSURE_MAX_CONCURRENT',
      'ENABLE_BACKPRESURE is no variable of the gateway; perhaps ENABLE_BACKPRESSURE',
    ])
  })

  it('are nobody’s business where they are read, or are of others', () => {
    const read = {
      SLUICE_PORT: '1',
      SLUICE_UPSTREAM_CLIENT: 'undici',
      SLUICE_WORKER: '1/2',
      BACKPRESSURE_WAIT_TIMEOUT: '3',
    }
    const others = {
      PATH: '',
      PORTS: '',
      SLUICE_KEY_ACME: '',
      SLUICE_SERVICE_HOST: '',
      SLUICE_PORT_8080_TCP: '',
      HOST: '',
    }
    assert.deepEqual(strayVariables({ ...read, ...others }), [])
  })
})
