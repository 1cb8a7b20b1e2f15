import { objectOf, parseJson } from './json-field.ts'
import { usageIn, type Usage } from './usage.ts'

/** A usage is shorter; nothing longer is looked at. In characters. */
const LONGEST = 8192

/**
 * The usage in the last part of a JSON text whose beginning is missing. A string in it cannot be mistaken for the field: its
 * quotation marks are escaped.
 */
export function cutUsage(tail: string): Usage | undefined {
  for (const field of ['"usage"', '"usageMetadata"']) {
    const at = tail.lastIndexOf(field)
    if (at < 0) continue
    const object = objectAt(tail, at + field.length)
    const usage = object === undefined ? undefined : objectOf(parseJson(object))
    if (usage !== undefined) return usageIn(usage)
  }
  return undefined
}

/** The type an event says in its first characters. */
export function cutType(head: string): string | undefined {
  return /^\{\s{0,4}"type"\s{0,4}:\s{0,4}"([a-z_.]{1,64})"/.exec(head)?.[1]
}

/** Why an answer ended, by the last part of its text. */
export function cutFinish(tail: string): string | undefined {
  const found = [
    ...tail.matchAll(/"(?:finish_reason|stop_reason|finishReason|stopReason)"\s{0,4}:\s{0,4}"([a-zA-Z_]{1,64})"/g),
  ]
  return found.at(-1)?.[1]
}

/** The object behind a field's name: `: { … }`, braces within strings not counted. */
function objectAt(text: string, from: number): string | undefined {
  let start = from
  while (/[\s:]/.test(text.charAt(start))) start++
  if (text.charAt(start) !== '{') return undefined
  const end = Math.min(text.length, start + LONGEST)
  let depth = 0
  let quoted = false
  for (let at = start; at < end; at++) {
    const mark = text.charAt(at)
    if (quoted) {
      if (mark === '\\') at++
      else if (mark === '"') quoted = false
    } else if (mark === '"') quoted = true
    else if (mark === '{') depth++
    else if (mark === '}' && --depth === 0) return text.slice(start, at + 1)
  }
  return undefined
}
