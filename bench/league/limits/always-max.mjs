import { frozen } from './frozen.mjs'

/** A mutant: everybody, as if there were no limit. */
export function alwaysMax({ max = 1000 } = {}) {
  return { ...frozen({ limit: max }), name: 'always-max' }
}
