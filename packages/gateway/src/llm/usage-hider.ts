/** An event that is longer than this is passed on as it comes, in bytes: a usage is short. */
const MOST = 16_384

const NEWLINE = 10
const RETURN = 13
const NOTHING = Buffer.alloc(0)
const EMPTY_CHOICES = /"choices"\s*:\s*\[\s*\]/

/**
 * Leaves the last chunk of a stream of OpenAI's chat out, the one that has the usage and no choice: this gateway asked for
 * it, and not the client. All other bytes pass as they came, event by event: a part of one is of no use to anybody.
 */
export class UsageHider {
  /** The part of an event that has come. */
  #held: Buffer = NOTHING
  /** True inside of an event that is too long to be looked at. */
  #passing = false

  /** @returns what is to go on */
  take(chunk: Uint8Array): Uint8Array {
    const bytes =
      this.#held.length === 0 ? Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length) : this.#with(chunk)
    this.#held = NOTHING
    const kept: Buffer[] = []
    let from = 0
    for (let end = endOfEvent(bytes, 0); end > 0; end = endOfEvent(bytes, end)) {
      if (this.#passing || !isUsage(bytes.subarray(from, end))) kept.push(bytes.subarray(from, end))
      this.#passing = false
      from = end
    }
    const rest = bytes.subarray(from)
    if (this.#passing || rest.length > MOST) {
      this.#passing = true
      kept.push(rest)
      // As a copy: what came is the socket's.
    } else if (rest.length > 0) this.#held = Buffer.from(rest)
    return kept.length === 1 ? kept[0]! : Buffer.concat(kept)
  }

  /** No more will come. @returns what was held of an event that has no end */
  end(): Uint8Array {
    const held = this.#held
    this.#held = NOTHING
    return isUsage(held) ? NOTHING : held
  }

  #with(chunk: Uint8Array): Buffer {
    return Buffer.concat([this.#held, chunk])
  }
}

/** Behind the blank line that ends the event which begins there or before; 0 where there is none yet. */
function endOfEvent(bytes: Buffer, from: number): number {
  for (let at = bytes.indexOf(NEWLINE, from); at >= 0; at = bytes.indexOf(NEWLINE, at + 1)) {
    const next = bytes[at + 1] === RETURN ? at + 2 : at + 1
    if (bytes[next] === NEWLINE) return next + 1
  }
  return 0
}

function isUsage(event: Buffer): boolean {
  if (event.length > MOST) return false
  const text = event.toString()
  // Cheap, and enough for nearly all: in a text its quotes would be escaped.
  if (!EMPTY_CHOICES.test(text)) return false
  try {
    const body = JSON.parse(text.replaceAll(/^(?:data:|:.*)/gm, '')) as { choices?: unknown[]; usage?: unknown } | null
    return body?.choices?.length === 0 && typeof body.usage === 'object' && body.usage !== null
  } catch {
    return false
  }
}
