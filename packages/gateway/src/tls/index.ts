export { identityOf, type Identity } from './identity.ts'
export { PlainServer } from './plain-server.ts'
export { SecureServer } from './secure-server.ts'
