/** What stands for a number without end, which JSON has no word for. */
const ENDLESS = '∞'

/** A copy of plain data that JSON can carry. */
export function packed(value: unknown): unknown {
  return mapped(value, (leaf) => (leaf === Infinity ? ENDLESS : leaf))
}

/** What was packed. */
export function unpacked(value: unknown): unknown {
  return mapped(value, (leaf) => (leaf === ENDLESS ? Infinity : leaf))
}

function mapped(value: unknown, change: (leaf: unknown) => unknown): unknown {
  if (Array.isArray(value)) return value.map((item) => mapped(item, change))
  if (typeof value !== 'object' || value === null) return change(value)
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, mapped(item, change)]))
}
