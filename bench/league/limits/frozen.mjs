/** A mutant: stays where it began, whatever happens. It must come last where the capacity is anything else. */
export function frozen({ limit = 100 } = {}) {
  const step = { state: null, limit, reason: 'frozen', until: { samples: 20, error: 1, atLeast: 50, atMost: 1000 } }
  return { name: 'frozen', init: () => step, step: () => step }
}
