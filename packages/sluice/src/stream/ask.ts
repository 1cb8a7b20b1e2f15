/** One who waits for what an iterator gives next. */
export interface Ask<R> {
  readonly resolve: (result: IteratorResult<R, undefined>) => void
  readonly reject: (reason: unknown) => void
}
