/** One member of a list: a bare value and its parameters. Tokens are told apart from strings nowhere, so they are text. */
export interface ListItem {
  readonly value: string | number | boolean
  readonly parameters: ReadonlyMap<string, string | number | boolean>
}

/** A longer field is not read: nothing that is meant for us is. */
const LONGEST = 2048

const STRING = /"((?:[\x20-\x21\x23-\x5b\x5d-\x7e]|\\["\\])*)"/y
const NUMBER = /-?(?:\d{1,12}\.\d{1,3}|\d{1,15})(?![\d.])/y
const TOKEN = /[A-Za-z*][!#$%&'*+\-.^_`|~\w:/]*/y
const BYTES = /:[A-Za-z0-9+/=]*:/y
const BOOLEAN = /\?[01]/y
const KEY = /[a-z*][a-z0-9_\-.*]*/y
const COMMA = /[ \t]*,[ \t]*/y
const SEMICOLON = /; */y

/**
 * A list of items as RFC 9651 (§4.2.1) has it, without inner lists, dates and display strings. Strict: one mistake
 * anywhere and the whole field is as if it were not there.
 */
export function parseList(text: string): readonly ListItem[] | undefined {
  if (text.length > LONGEST) return undefined
  const reader = new FieldReader(text.replace(/^ +| +$/g, ''))
  const items: ListItem[] = []
  if (reader.done) return items
  for (;;) {
    const item = readItem(reader)
    if (item === undefined) return undefined
    items.push(item)
    if (reader.done) return items
    // A comma with nothing behind it is a mistake too: the next round finds no item.
    if (reader.take(COMMA) === undefined) return undefined
  }
}

class FieldReader {
  readonly #text: string
  #at = 0

  constructor(text: string) {
    this.#text = text
  }

  get done(): boolean {
    return this.#at === this.#text.length
  }

  /** What the pattern finds here: its first group, or all of it. */
  take(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at
    const found = pattern.exec(this.#text)
    if (found === null) return undefined
    this.#at = pattern.lastIndex
    return found[1] ?? found[0]
  }

  next(character: string): boolean {
    if (this.#text[this.#at] !== character) return false
    this.#at++
    return true
  }
}

function readItem(reader: FieldReader): ListItem | undefined {
  const value = readValue(reader)
  if (value === undefined) return undefined
  const parameters = new Map<string, string | number | boolean>()
  while (reader.take(SEMICOLON) !== undefined) {
    const key = reader.take(KEY)
    if (key === undefined) return undefined
    const told = reader.next('=') ? readValue(reader) : true
    if (told === undefined) return undefined
    parameters.set(key, told)
  }
  return { value, parameters }
}

function readValue(reader: FieldReader): string | number | boolean | undefined {
  const string = reader.take(STRING)
  if (string !== undefined) return string.replace(/\\(["\\])/g, '$1')
  const number = reader.take(NUMBER)
  if (number !== undefined) return Number(number)
  const bit = reader.take(BOOLEAN)
  if (bit !== undefined) return bit === '?1'
  return reader.take(TOKEN) ?? reader.take(BYTES)
}
