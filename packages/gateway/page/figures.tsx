import type { JSX } from 'preact'

/** What a figure is called, and what it is. */
export type Figure = readonly [label: string, value: string]

/** Figures beside each other, each under its name. */
export function Figures({ of }: { readonly of: readonly Figure[] }): JSX.Element {
  return (
    <dl>
      {of.map(([label, value]) => (
        <div key={label}>
          <dt>{label}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  )
}
