import { ReadAhead, type BodyHost } from './read-ahead.ts'

type Kind = new (body: ReadableStream | null, original: Response) => Response

// The last resort for bodies that are neither read nor cancelled: a consumer that was forgotten is not going to.
const forgotten = new FinalizationRegistry<ReadAhead>((body) => {
  body.cancel().catch(() => undefined)
})

/** Whatever made a response: undici's own are others than those of the platform. */
const kinds = new WeakMap<typeof Response, Kind>()

/**
 * The same response with a body that tells when it has come to its end. Nothing of it is kept but 64 KiB ahead of the
 * reader.
 * @throws TypeError for a body that is no web stream
 */
export function watchedResponse(response: Response, host: BodyHost): Response {
  const { body } = response
  if (body === null) {
    host.ended()
    return response
  }
  if (typeof body.getReader !== 'function')
    throw new TypeError('protectedFetch: expected a fetch whose bodies are web streams')
  return new (kindOf(response.constructor as typeof Response))(watched(body, host), response)
}

function watched(body: ReadableStream<Uint8Array>, host: BodyHost): ReadableStream<Uint8Array> {
  const ahead = new ReadAhead(body.getReader() as never, {
    ended(): void {
      forgotten.unregister(ahead)
      host.ended()
    },
    failed(error): void {
      forgotten.unregister(ahead)
      host.failed(error)
    },
    left(): void {
      forgotten.unregister(ahead)
      host.left()
    },
  })
  const stream = new ReadableStream({
    type: 'bytes',
    async pull(controller): Promise<void> {
      const chunk = await ahead.next()
      if (chunk !== undefined) return controller.enqueue(chunk)
      controller.close()
      controller.byobRequest?.respond(0)
    },
    cancel: (reason) => ahead.cancel(reason) as Promise<void>,
  })
  forgotten.register(stream, ahead, ahead)
  return stream
}

function kindOf(Made: typeof Response): Kind {
  let kind = kinds.get(Made)
  if (kind === undefined) {
    kind = watchedKind(Made)
    kinds.set(Made, kind)
    // A fetch that is protected twice answers with one of these.
    kinds.set(kind as typeof Response, kind)
  }
  return kind
}

/** What every response is, save what the one made of it says for itself: declared as fields, which no getter may replace. */
type Bare = new (
  body: ReadableStream | null,
  init: ResponseInit,
) => Omit<Response, 'url' | 'redirected' | 'type' | 'clone'>

/** A response with another body. It says of itself what no constructor takes: where it came from. */
function watchedKind(Made: typeof Response): Kind {
  return class extends (Made as Bare) {
    readonly #original: Response

    constructor(body: ReadableStream | null, original: Response) {
      const { status, statusText, headers } = original
      super(body, { status, statusText, headers })
      this.#original = original
    }

    get url(): string {
      return this.#original.url
    }

    get redirected(): boolean {
      return this.#original.redirected
    }

    get type(): Response['type'] {
      return this.#original.type
    }

    clone(): Response {
      const { body } = Made.prototype.clone.apply(this as unknown as Response)
      return new (kindOf(Made))(body, this)
    }
  }
}
