type Shared = typeof import('../../../sluice/dist/test/integration/free-port.js')

// That of the library's tests, which no door shows; from where this is run, not from where it is written.
const shared = (await import(
  new URL('../../../../sluice/dist/test/integration/free-port.js', import.meta.url).href
)) as Shared

export const freePort: Shared['freePort'] = shared.freePort
