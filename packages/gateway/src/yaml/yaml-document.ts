import { isAlias, isCollection, isMap, isScalar, isSeq, LineCounter, parseDocument, visit, type Node } from 'yaml'
import { InputError } from './input-error.ts'
import { tooDeepAt } from './yaml-shape.ts'

/** Enough to name a service time once and use it in every tier; not enough for a bomb. */
const ALIASES = 100

const UNQUOTED = 'a variable without quotes; inside { } and [ ] it is written "${NAME}"'

/** A document, and where in it each field stands. */
export interface YamlDocument {
  /** Plain data. */
  readonly data: unknown
  /**
   * `file:line:column` of a field like `load.phases[1].times`, or `['load', 'phases', 1, 'times']`, or of the closest one
   * around it that is there.
   */
  readonly placeOf: (path: string | readonly (string | number)[]) => string
}

/** What is made of a document while it is read. */
export interface YamlReading {
  /** Keys that are refused wherever they stand. Default: none. */
  readonly forbidden?: ReadonlySet<string>
  /** What stands for a text that is a value, not a key. Default: the text. */
  readonly textFor?: (text: string, place: string) => string
}

/**
 * Reads YAML, and so JSON too.
 * @param name what the file is called, for messages
 * @throws InputError with file, line and column
 */
export function yamlDocument(name: string, text: string, reading: YamlReading = {}): YamlDocument {
  const { forbidden, textFor } = reading
  const lines = new LineCounter()
  const placeAt = (offset: number): string => {
    const { line, col } = lines.linePos(offset)
    return `${name}:${Math.max(1, line)}:${Math.max(1, col)}`
  }
  const deep = tooDeepAt(text)
  if (deep !== undefined) {
    const before = text.slice(0, deep).split('\n')
    throw new InputError(`${name}:${before.length}:${before.at(-1)!.length + 1}: nested too deep`)
  }
  // Its own search for keys that are there twice takes time with the square of their number.
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: false })
  const [problem] = [...document.errors, ...document.warnings]
  if (problem?.code === 'MULTIPLE_DOCS') throw new InputError(`${placeAt(problem.pos[0])}: more than one document`)
  if (problem !== undefined) {
    const [at] = problem.pos
    const isVariable = textFor !== undefined && text.slice(at - 1, at + 1) === '${'
    throw new InputError(`${placeAt(at)}: ${isVariable ? UNQUOTED : problem.message}`)
  }
  let aliases = 0
  visit(document, {
    Alias(_key, alias) {
      const start = alias.range?.[0] ?? 0
      // To find what one stands for takes as long as the document is.
      if (++aliases > ALIASES) throw new InputError(`${placeAt(start)}: more than ${ALIASES} aliases`)
      const target = alias.resolve(document)
      if (target === undefined) throw new InputError(`${placeAt(start)}: *${alias.source} stands for nothing`)
      const [from = 0, to = 0] = target.range ?? []
      if (from <= start && start < to) throw new InputError(`${placeAt(start)}: *${alias.source} contains itself`)
    },
    Map(_key, { items }) {
      const seen = new Set<string>()
      for (const { key } of items) {
        const start = (key as Node | null)?.range?.[0] ?? 0
        const name = nameOf(key)
        if (name === undefined) throw new InputError(`${placeAt(start)}: a key that is no text`)
        if (forbidden?.has(name) === true) throw new InputError(`${placeAt(start)}: a key called ${name}`)
        if (seen.has(name)) throw new InputError(`${placeAt(start)}: ${name} is there twice`)
        seen.add(name)
      }
    },
    Scalar(key, scalar) {
      if (key === 'key' || textFor === undefined || typeof scalar.value !== 'string') return
      scalar.value = textFor(scalar.value, placeAt(scalar.range?.[0] ?? 0))
    },
  })
  const root = document.contents
  try {
    const data: unknown = document.toJS({ maxAliasCount: ALIASES })
    return {
      data,
      placeOf: (path) =>
        placeAt(offsetOf(root, typeof path === 'string' ? partsOf(path) : path, (node) => resolved(node, document))),
    }
  } catch (error) {
    // What the library throws where few aliases make very much.
    if (error instanceof ReferenceError) throw new InputError(`${name}: ${error.message}`)
    throw error
  }
}

type Document = ReturnType<typeof parseDocument>

/** As it is called in plain data; undefined for what cannot be a name there. */
function nameOf(key: unknown): string | undefined {
  if (!isScalar(key)) return undefined
  const { value } = key
  if (typeof value === 'number' || typeof value === 'boolean') return String(value)
  return typeof value === 'string' && value !== '' ? value : undefined
}

function resolved(node: unknown, document: Document): unknown {
  return isAlias(node) ? node.resolve(document) : node
}

/** `load.phases[1].times` in its parts. A key of its own may hold any sign: whatever is not found ends the way. */
function partsOf(path: string): readonly (string | number)[] {
  return [...path.matchAll(/([^.[\]]+)|\[(\d+)\]/g)].map(([, key, index]) => key ?? Number(index))
}

/** Of the closest that is there. */
function offsetOf(root: Node | null, path: readonly (string | number)[], resolve: (node: unknown) => unknown): number {
  let node: unknown = root
  let offset = root?.range?.[0] ?? 0
  for (const part of path) {
    node = resolve(node)
    if (!isCollection(node)) break
    if (isSeq(node) && typeof part === 'number') node = node.items[part]
    else if (isMap(node) && typeof part === 'string') {
      const pair = node.items.find((each) => nameOf(each.key) === part)
      if (pair === undefined) break
      const start = (pair.key as Node).range?.[0]
      if (start !== undefined) offset = start
      node = pair.value
      continue
    } else break
    offset = (node as Node | null)?.range?.[0] ?? offset
  }
  return offset
}
