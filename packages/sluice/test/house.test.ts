import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { REFUSALS } from '../src/index.ts'

const root = fileURLToPath(new URL('../../../../', import.meta.url))
const library = join(root, 'packages/sluice/src')
const gateway = join(root, 'packages/gateway/src')

/** What each floor of the library stands on. `*` is the core's front door. */
const floors: Readonly<Record<string, readonly string[]>> = {
  ground: [],
  measure: ['ground'],
  limit: ['ground', 'measure'],
  queue: ['ground', 'measure'],
  gate: ['ground', 'measure', 'limit', 'queue'],
  observe: ['ground', 'gate'],
  http: ['ground', 'limit', 'gate', 'observe'],
  stream: ['ground', 'queue', 'gate'],
  probe: ['ground', 'measure'],
  servers: ['ground', 'gate', 'observe', 'http'],
  grpc: ['ground', 'gate', 'observe', 'http'],
  clients: ['ground', 'measure', 'queue', 'gate', 'observe', 'http'],
  fetch: ['ground', 'gate', 'observe', 'http', 'clients'],
  consumers: ['ground', 'gate', 'stream', 'observe'],
  pools: ['ground', 'queue', 'gate', 'observe'],
  flows: ['ground', 'gate', 'stream', 'observe', 'http'],
  coordinate: ['ground', 'measure', 'queue', 'gate'],
  redis: ['ground', 'coordinate'],
  arbiter: ['ground', 'gate', 'coordinate'],
  llm: ['ground', 'measure', 'queue', 'gate', 'observe', 'http', 'coordinate'],
  sim: ['ground', 'measure', 'limit', 'queue', 'gate'],
  testing: ['ground', 'measure', 'limit', 'queue', 'gate', 'http', 'stream', 'sim'],
  '*': ['ground', 'limit', 'queue', 'gate', 'stream', 'observe'],
}

/** Who may name modules from outside, and which. */
const outside: Readonly<Record<string, readonly RegExp[]>> = {
  servers: [/^node:/],
  clients: [/^node:/],
  consumers: [/^node:/],
  pools: [/^node:/],
  flows: [/^node:/],
  redis: [/^node:/],
  arbiter: [/^node:/],
  llm: [/^node:/],
  grpc: [/^@grpc\/grpc-js$/],
  probe: [/^node:/],
}

interface Source {
  readonly path: string
  readonly text: string
}

function sources(folder: string): Source[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => ({ path: join(folder, name), text: readFileSync(join(folder, name), 'utf8') }))
}

function imports({ text }: Source): string[] {
  return [...text.matchAll(/(?:^|\n)(?:import|export)\s[^'"]*?from\s+'([^']+)'|import\('([^']+)'\)/g)].map(
    (match) => match[1] ?? match[2]!,
  )
}

/** The floor a file of the library stands on. */
function floorOf(path: string): string {
  const inside = relative(library, path)
  return inside.includes('/') ? inside.slice(0, inside.indexOf('/')) : '*'
}

/** What is wrong with one import of the library, or nothing. */
function trespass(path: string, target: string): string | undefined {
  const floor = floorOf(path)
  const may = floors[floor]
  if (may === undefined) return `${floor}/ is not in the table of floors`
  if (!target.startsWith('.'))
    return outside[floor]?.some((allowed) => allowed.test(target)) === true
      ? undefined
      : `may not import ${target}: ${floor}/ knows nothing outside`
  const to = resolve(dirname(path), target)
  const toFloor = floorOf(to)
  if (toFloor === floor) return undefined
  if (!may.includes(toFloor))
    return `may not import ${relative(library, to)}: ${floor}/ stands on ${may.join(', ') || 'nothing'}`
  return to.endsWith('/index.ts') ? undefined : `must use the door ${toFloor}/index.ts, not ${relative(library, to)}`
}

describe('the house', () => {
  const all = sources(library)

  it('stands floor upon floor', () => {
    const wrong = all.flatMap((source) =>
      imports(source).flatMap((target) => {
        const why = trespass(source.path, target)
        return why === undefined ? [] : [`${relative(library, source.path)} ${why}`]
      }),
    )
    assert.deepEqual(wrong, [])
  })

  it('would say so if it did not', () => {
    const from = join(library, 'limit/trespass.ts')
    assert.match(trespass(from, '../gate/index.ts') ?? '', /limit\/ stands on ground, measure/)
    assert.match(trespass(from, '../ground/clock.ts') ?? '', /must use the door ground\/index\.ts/)
    assert.match(trespass(from, 'node:fs') ?? '', /may not import node:fs/)
    assert.match(trespass(join(library, 'attic/x.ts'), './y.ts') ?? '', /not in the table/)
    assert.equal(trespass(from, '../ground/index.ts'), undefined)
  })

  it('has no cycles within a floor', () => {
    const edges = new Map(
      all.map((source) => [
        source.path,
        imports(source)
          .filter((target) => target.startsWith('.'))
          .map((target) => resolve(dirname(source.path), target)),
      ]),
    )
    // Types may point both ways: only what runs can go in circles, so type-only imports are left to the compiler.
    const done = new Set<string>()
    const visit = (path: string, trail: readonly string[]): void => {
      assert.ok(
        !trail.includes(path),
        `a cycle: ${[...trail, path].map((part) => relative(library, part)).join(' → ')}`,
      )
      if (done.has(path)) return
      for (const next of edges.get(path) ?? []) visit(next, [...trail, path])
      done.add(path)
    }
    for (const path of edges.keys()) visit(path, [])
  })

  it('reads the clock and throws the dice in one place each', () => {
    const forbidden = /\b(setTimeout|setInterval|setImmediate|Date\.now|new Date|performance\.now|Math\.random)\b/
    const allowed = new Set(['ground/clock.ts', 'ground/random.ts', 'servers/node-event-loop.ts'])
    const wrong = all
      .filter((source) => !allowed.has(relative(library, source.path)))
      .filter((source) => forbidden.test(withoutComments(source.text)))
    assert.deepEqual(
      wrong.map((source) => relative(library, source.path)),
      [],
    )
  })

  it('keeps its files short', () => {
    const long = [...all, ...sources(gateway)].filter((source) => source.text.split('\n').length > 400)
    assert.deepEqual(
      long.map((source) => relative(root, source.path)),
      [],
    )
  })

  it('has no drawer for everything', () => {
    const drawers = /(^|\/)(utils?|helpers?|common|types|interfaces|misc)(\/|\.ts$)/
    const found = [...all, ...sources(gateway)]
      .map((source) => relative(root, source.path))
      .filter((path) => drawers.test(path))
    assert.deepEqual(found, [])
  })

  it('sleeps nowhere but in integration tests', () => {
    const tests = [...sources(join(root, 'packages/sluice/test')), ...sources(join(root, 'packages/gateway/test'))]
    const sleeping = tests
      .filter((source) => !source.path.includes('/integration/') && !source.path.endsWith('house.test.ts'))
      .filter((source) => /(?<![.\w])setTimeout\(|\btimers\/promises/.test(withoutComments(source.text)))
    assert.deepEqual(
      sleeping.map((source) => relative(root, source.path)),
      [],
    )
  })

  it('lets the gateway in through the front door only', () => {
    const wrong = sources(gateway).flatMap((source) =>
      imports(source)
        .filter((target) => /(^|\/)sluice\/(src|dist)\//.test(target) || target.includes('packages/sluice'))
        .map((target) => `${relative(root, source.path)} imports ${target}`),
    )
    assert.deepEqual(wrong, [])
  })
})

describe('the docs', () => {
  it('name every refusal, with the figures of the table', () => {
    const page = readFileSync(join(root, 'docs/refusals.md'), 'utf8')
    for (const [code, { status, wire, grpc, retryAfter }] of Object.entries(REFUSALS)) {
      const row = page.split('\n').find((line) => line.startsWith(`| \`${code}\` |`))
      assert.ok(row, `docs/refusals.md has no row for ${code}`)
      const seconds = retryAfter === undefined ? '–' : `${retryAfter / 1000} s`
      for (const cell of [String(status), `\`${wire}\``, grpc, seconds])
        assert.ok(row.includes(`| ${cell} |`), `docs/refusals.md, ${code}: expected ${cell} in ${row}`)
    }
    const rows = [...page.matchAll(/^\| `([a-z_]+)` \|/gm)].map((match) => match[1]!)
    assert.deepEqual(rows, Object.keys(REFUSALS))
  })

  it('point only at what exists', () => {
    const pages = ['README.md', 'ARCHITECTURE.md', 'CONTRIBUTING.md', ...pagesIn(join(root, 'docs'))]
    const broken = pages.flatMap((page) => {
      const text = readFileSync(join(root, page), 'utf8')
      return [...text.matchAll(/\]\((?!https?:|#)([^)#\s]+)/g)]
        .map((match) => match[1]!)
        .filter((target) => !existsSync(resolve(root, dirname(page), target)))
        .map((target) => `${page} → ${target}`)
    })
    assert.deepEqual(broken, [])
  })
})

function pagesIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => relative(root, join(folder, name)))
}

function withoutComments(text: string): string {
  return text.replaceAll(/\/\*[\s\S]*?\*\//g, '').replaceAll(/\/\/.*$/gm, '')
}
