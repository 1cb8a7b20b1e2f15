// Stands in for node:test in the process that tries mutants: tests are collected and not run, so that each can be run
// as often as there are mutants it could notice. It knows what the unit tests of the floors use and nothing else.

/** Every test of the files loaded so far: { id, file, body }. */
export const tests = []

const suites = []
const ids = new Map()
let file = ''

/** Tests declared from here on belong to this file. */
export function declareIn(name) {
  file = name
}

const bodyOf = (rest) => rest.find((part) => typeof part === 'function')

export function describe(name, ...rest) {
  suites.push(name)
  const answer = bodyOf(rest)()
  suites.pop()
  if (answer instanceof Promise) throw new Error(`${file}: '${name}' declares its tests asynchronously`)
}

export function it(name, ...rest) {
  const said = [file, ...suites, name].join(' › ')
  const times = (ids.get(said) ?? 0) + 1
  ids.set(said, times)
  tests.push({ id: times === 1 ? said : `${said} (${times})`, file, body: bodyOf(rest) })
}
