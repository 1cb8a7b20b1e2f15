import { CST, Lexer } from 'yaml'

/** No document of ours is nested as deep as this. */
const DEEPEST = 64
/** Columns before the first sign of a line. */
const WIDEST = 256

/**
 * Where a document is nested beyond all reason, as an offset; undefined where it is not. Asked before it is parsed: the
 * parser takes a stack frame for each level, and 200,000 indicators in a line (`- - - …`, `? ? ? …`) make it build a
 * pattern so long that the process dies of it, which nobody can catch.
 */
export function tooDeepAt(text: string): number | undefined {
  let offset = 0
  let flow = 0
  let inLine = 0
  let explicit = 0
  let fresh = true
  for (const token of new Lexer().lex(text)) {
    const type = CST.tokenType(token)
    if (type === 'newline') {
      inLine = 0
      fresh = true
    } else if (type === 'flow-seq-start' || type === 'flow-map-start') flow++
    else if (type === 'flow-seq-end' || type === 'flow-map-end') flow--
    else if (type === 'explicit-key-ind') explicit++
    else if ((type === 'seq-item-ind' || type === 'map-value-ind') && flow <= 0) inLine++
    else if (type === 'space' && fresh && token.length > WIDEST) return offset
    if (type !== 'newline') fresh = false
    if (flow > DEEPEST || inLine > DEEPEST || explicit > DEEPEST) return offset
    // Marks of the lexer stand nowhere in the text.
    if (type !== 'doc-mode' && type !== 'flow-error-end' && type !== 'scalar') offset += token.length
  }
  return undefined
}
