import { frozen } from './frozen.mjs'

/** A mutant: one at a time. Nothing is ever late, and next to nothing is done. */
export function alwaysMin({ min = 1 } = {}) {
  return { ...frozen({ limit: min }), name: 'always-min' }
}
