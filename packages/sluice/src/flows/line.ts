import type { Frame } from './frame.ts'

/** What frames are handed to, on their way to one reader. */
export interface Line<T> {
  /** Bytes handed over that have not reached the kernel. */
  readonly held: number
  /** Hands a frame over. A promise asks to wait; it rejects when the reader is gone. */
  put(frame: Frame<T>): Promise<void> | undefined
  /** Says that somebody is still there, where the protocol has a way to. */
  beat(): Promise<void> | undefined
  /** Ends after what was handed over. Settles when that has left. */
  end(): Promise<void>
  /** Says why it ends, where the protocol has a way to, and ends. */
  part(reason: string, code: number | undefined): void
  /** Ends now, whatever is lost. */
  cut(): void
}

/** Makes a line. `gone` is called once, when nothing can be handed over any more; without a failure when all has left. */
export type LineMaker<T> = (gone: (failure?: { readonly reason: unknown }) => void) => Line<T>
