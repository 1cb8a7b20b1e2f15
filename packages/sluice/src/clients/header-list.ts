/** The forms in which undici takes headers: a record, a flat list of names and values, or pairs. */
export type HeaderList =
  | Readonly<Record<string, string | readonly string[] | undefined>>
  | Iterable<unknown>
  | null
  | undefined

type Pair = readonly [name: string, value: string | readonly string[] | undefined]

/** The value of a header, whatever form they are in; several of one name joined with `, `. @param name in lower case */
export function headerIn(headers: HeaderList, name: string): string | undefined {
  if (headers === null || headers === undefined) return undefined
  let found: string | undefined
  for (const [key, value] of pairsOf(headers)) {
    if (key.length !== name.length || key.toLowerCase() !== name || value === undefined) continue
    const text = typeof value === 'string' ? value : value.join(', ')
    found = found === undefined ? text : `${found}, ${text}`
  }
  return found
}

/** The same headers with this one in place of any of its name. @param name in lower case */
export function withHeader(headers: HeaderList, name: string, value: string): NonNullable<HeaderList> {
  if (headers !== null && headers !== undefined && !isIterable(headers)) {
    const rest = Object.entries(headers).filter(([key]) => key.toLowerCase() !== name)
    return { ...Object.fromEntries(rest), [name]: value }
  }
  const list: string[] = []
  for (const [key, told] of pairsOf(headers ?? []))
    if (key.toLowerCase() !== name)
      for (const each of typeof told === 'string' ? [told] : (told ?? [])) list.push(key, each)
  list.push(name, value)
  return list
}

function* pairsOf(headers: NonNullable<HeaderList>): Generator<Pair> {
  if (!isIterable(headers)) {
    yield* Object.entries(headers)
    return
  }
  let key: string | undefined
  for (const entry of headers) {
    if (typeof entry !== 'string') yield entry as Pair
    else if (key === undefined) key = entry
    else {
      yield [key, entry]
      key = undefined
    }
  }
}

function isIterable(headers: NonNullable<HeaderList>): headers is Iterable<unknown> {
  return typeof (headers as Iterable<unknown>)[Symbol.iterator] === 'function'
}
