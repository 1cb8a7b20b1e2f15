/** Tells the operator, as Node does: on stderr, unless the process listens to `warning`. */
export function warn(code: string, text: string): void {
  process.emitWarning(text, { type: 'SluiceWarning', code })
}
