import type { Frame } from './frame.ts'
import type { Line } from './line.ts'
import type { NodeWritable, Writable, Writer, WriterOptions } from './writable.ts'
import { writer } from './writer.ts'

/** The slice of a response of node:http, or of http2, that a stream of messages needs beyond a `Writable`. */
export interface HttpResponse extends NodeWritable<Uint8Array> {
  readonly headersSent: boolean
  readonly req?: { readonly headers: Readonly<Record<string, string | readonly string[] | undefined>> }
  writeHead(status: number, headers: Record<string, string>): unknown
  flushHeaders?(): void
}

/** What a stream of messages over HTTP is written to: a response, whose head is written too, or any stream of bytes. */
export type HttpTarget = HttpResponse | Writable<Uint8Array>

export interface HttpLineOptions {
  readonly target: HttpTarget
  readonly headers: Readonly<Record<string, string>>
  /** What comes before the first message. Default: nothing. */
  readonly opening?: Uint8Array
  /** What says that somebody is there. */
  readonly heart: Uint8Array
  /** What says why it ends; without it, it is cut. */
  readonly farewell?: (reason: string) => Uint8Array
}

/** A {@link Line} over a response, or over any stream of bytes. */
export class HttpLine<T> implements Line<T> {
  readonly #writer: Writer<Uint8Array>
  readonly #options: HttpLineOptions

  constructor(options: HttpLineOptions, gone: NonNullable<WriterOptions['onClose']>) {
    const { target, headers, opening } = options
    this.#options = options
    this.#writer = writer(target, { onClose: gone })
    if ('writeHead' in target && !target.headersSent && !target.destroyed) {
      target.writeHead(200, { ...headers })
      // Or nobody would know before the first message that there is a stream.
      target.flushHeaders?.()
    }
    if (opening !== undefined) void this.#writer.write(opening)
  }

  get held(): number {
    return this.#writer.held
  }

  put(frame: Frame<T>): Promise<void> | undefined {
    return this.#writer.write(frame.bytes)
  }

  beat(): Promise<void> | undefined {
    return this.#writer.write(this.#options.heart)
  }

  end(): Promise<void> {
    return this.#writer.end()
  }

  part(reason: string): void {
    const { farewell } = this.#options
    if (farewell === undefined) return this.cut()
    // Nobody waits any more: who does not read this is cut.
    void this.#writer.write(farewell(reason))
    this.#writer.end().catch(() => {})
  }

  cut(): void {
    this.#writer.abort()
  }
}
