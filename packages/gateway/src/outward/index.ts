export { guardedLookup, LINK_LOCAL } from './guarded-lookup.ts'
export { isLinkLocal } from './link-local.ts'
