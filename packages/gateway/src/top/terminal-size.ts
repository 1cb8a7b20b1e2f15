/** How much there is room for on a stream, in characters and lines. A terminal that nobody has told its size says 0. */
export function terminalSize({ isTTY, columns, rows }: Pick<NodeJS.WriteStream, 'isTTY' | 'columns' | 'rows'>): {
  readonly columns: number
  readonly rows: number
} {
  return isTTY ? { columns: columns || 80, rows: rows || 24 } : { columns: 200, rows: 200 }
}
