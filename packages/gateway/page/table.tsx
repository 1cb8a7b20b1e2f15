import type { ComponentChildren, JSX } from 'preact'

export interface Column<Row> {
  readonly name: string
  readonly of: (row: Row) => ComponentChildren
  /** Figures stand at the right. */
  readonly figure?: boolean
}

export interface TableProps<Row> {
  readonly caption: string
  readonly columns: readonly Column<Row>[]
  readonly rows: readonly Row[]
  /** Said instead of an empty table. */
  readonly empty: string
  /** Takes the whole row. */
  readonly broad?: boolean
  readonly children?: ComponentChildren
}

/** A table with a heading; scrolls by itself where the page is narrower. */
export function Table<Row>({ caption, columns, rows, empty, broad, children }: TableProps<Row>): JSX.Element {
  return (
    <section class={broad === true ? 'table broad' : 'table'} aria-label={caption}>
      <h2>{caption}</h2>
      {children}
      {rows.length === 0 ? (
        <p class="empty">{empty}</p>
      ) : (
        <div class="wide" tabIndex={0}>
          <table aria-label={caption}>
            <thead>
              <tr>
                {columns.map(({ name, figure }) => (
                  <th key={name} scope="col" class={figure === true ? 'figure' : ''}>
                    {name}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {rows.map((row, index) => (
                <tr key={index}>
                  {columns.map(({ name, of, figure }) => (
                    <td key={name} class={figure === true ? 'figure' : ''}>
                      {of(row)}
                    </td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  )
}
