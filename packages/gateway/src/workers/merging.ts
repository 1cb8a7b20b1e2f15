/** At least one. */
export type Views<View> = readonly [View, ...View[]]

type Rows<From, Field extends keyof From> = From[Field] extends readonly (infer View)[] ? View : never

/** There is at least one. */
export function isSome<View>(views: readonly View[]): views is Views<View> {
  return views.length > 0
}

/** Rows of several, those that are about the same made one: in the order in which they first occur. */
export function each<From, Field extends keyof From>(
  all: readonly From[],
  field: Field,
  key: (view: Rows<From, Field>) => string,
  merge: (views: Views<Rows<From, Field>>) => Rows<From, Field>,
): readonly Rows<From, Field>[] {
  const groups = new Map<string, [Rows<From, Field>, ...Rows<From, Field>[]]>()
  for (const from of all)
    for (const view of from[field] as readonly Rows<From, Field>[]) {
      const group = groups.get(key(view))
      if (group === undefined) groups.set(key(view), [view])
      else group.push(view)
    }
  return [...groups.values()].map(merge)
}

/** The sum of what is known; -1 where it is of nobody. */
export function total<Field extends string>(views: Views<Readonly<Record<Field, number>>>, field: Field): number {
  const known = views.map((view) => view[field]).filter((value) => value >= 0)
  return known.length === 0 ? -1 : rounded(known.reduce((sum, value) => sum + value, 0))
}

/** The largest. */
export function most<Field extends string>(views: Views<Readonly<Record<Field, number>>>, field: Field): number {
  return Math.max(...views.map((view) => view[field]))
}

/** To thousandths. */
export function rounded(value: number): number {
  return Math.round(value * 1000) / 1000
}
