export { identityOf, type Identity } from './identity.ts'
export { SecureServer } from './secure-server.ts'
