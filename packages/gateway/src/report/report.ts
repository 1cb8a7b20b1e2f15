/** One line over time, or over whatever the chart's x is. */
export interface Line {
  readonly label: string
  /** In any unit, the same for all lines of a chart; ascending in x. A y that is not finite leaves a gap. */
  readonly points: readonly (readonly [x: number, y: number])[]
}

/** A chart of lines that share both axes. */
export interface Chart {
  readonly title: string
  /** What x is, with its unit. Default `seconds`. */
  readonly x?: string
  /** What y is, with its unit. */
  readonly y: string
  /** Up to six, told apart by colour and by dashes. */
  readonly lines: readonly Line[]
  /** Upper end of y. Default: the largest value. Panels side by side are only fair with the same. */
  readonly yMax?: number
  /** A horizontal mark, such as a capacity or a bound. */
  readonly mark?: { readonly y: number; readonly label: string }
}

/** Charts side by side, such as before and after. */
export interface Panel {
  readonly title: string
  readonly charts: readonly Chart[]
}

export interface Table {
  readonly head: readonly string[]
  readonly rows: readonly (readonly string[])[]
}

export interface Section {
  readonly title: string
  /** Paragraphs. */
  readonly text?: readonly string[]
  readonly table?: Table
  readonly panels?: readonly Panel[]
}

/** What a page says. Plain data: who makes it needs to know nothing of HTML. */
export interface Report {
  readonly title: string
  /** Paragraphs below the title. */
  readonly text: readonly string[]
  /** Cells that are exactly `PASS` or `FAIL` are coloured. */
  readonly summary: Table
  readonly sections: readonly Section[]
}
