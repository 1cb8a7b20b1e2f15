import { checkWhole } from '../../ground/index.ts'
import { TokenMeasure } from '../estimator-measure.ts'
import type { TokenEstimator } from '../estimator.ts'
import { finishOf } from './answer.ts'
import { cutFinish, cutType, cutUsage } from './cut-text.ts'
import { objectOf, parseJson, type JsonObject } from './json-field.ts'
import { cutLine, LineKeeper, type KeptLine } from './line-keeper.ts'
import { eachDelta, readEvent } from './stream-event.ts'
import { readError, type ToldError } from './told-error.ts'
import { laterUsage, usageOf, type Usage } from './usage.ts'

export interface UsageReaderOptions {
  /** `events` for `text/event-stream`, `json` for a body that is one JSON value. Default: `events`. */
  readonly body?: 'events' | 'json'
  /**
   * The most memory for a line (or a JSON body) that has not ended, in bytes. Of a longer one the first kB and the last 16
   * are looked at: that is where its type and its usage stand. From 32,768 on. Default: 65,536.
   */
  readonly lineCap?: number
}

const decoder = new TextDecoder()
const NEWLINE = 10
const RETURN = 13
const COLON = 58
const BLANK = 32
const D = 100
const FIELD_LENGTH = 4
/** How long the data of an event of many lines may be before further lines are left out, in characters. */
const MOST_LINES = 65_536
const TERMINAL = /^response\.(?:completed|incomplete|failed|cancelled)$/
const NO_HEADER = (): undefined => undefined

/**
 * Reads what an answer uses while its bytes pass by: nothing is copied but what a chunk leaves unfinished. Understands the
 * streams of OpenAI's chat and Responses, Anthropic, and Gemini by what they carry. Feed it every chunk, of any size, cut
 * anywhere; what it does not understand it ignores.
 */
export class UsageReader {
  /** What was told so far. */
  usage: Usage | undefined
  /** Whether `usage` is what the provider will charge: its last word was heard. */
  usageFinal = false
  /** Why the answer ended, in the words of its dialect. */
  finish: string | undefined
  /** Whether the last event was seen. A stream that ends without was cut. */
  finished = false
  /** An error in the middle of the stream. */
  failure: ToldError | undefined
  /** Events that carried a piece of the answer. Most providers send a token in each, some several. */
  deltas = 0
  /** Lines that were too long to be read whole. */
  skipped = 0
  /** What has been answered so far, as far as it can be seen. */
  readonly streamed: TokenMeasure = new TokenMeasure()
  readonly #keeper: LineKeeper
  readonly #cap: number
  readonly #json: boolean
  /** The data of an event that has not ended. */
  #data = ''
  #lines = 0
  #tail = ''

  constructor(options: UsageReaderOptions = {}) {
    const { body = 'events', lineCap = 65_536 } = options
    this.#json = body === 'json'
    this.#cap = checkWhole('usageReader.lineCap', lineCap, 32_768, 2 ** 30)
    this.#keeper = new LineKeeper(this.#cap)
  }

  feed(chunk: Uint8Array): void {
    if (this.#json) return this.#keeper.add(chunk, 0, chunk.length)
    let from = 0
    for (;;) {
      const end = chunk.indexOf(NEWLINE, from)
      if (end < 0) break
      if (this.#keeper.empty && end - from > this.#cap) this.#kept(cutLine(chunk, from, end))
      else if (this.#keeper.empty) this.#whole(chunk, from, end)
      else {
        this.#keeper.add(chunk, from, end)
        this.#kept(this.#keeper.take())
      }
      from = end + 1
    }
    if (from < chunk.length) this.#keeper.add(chunk, from, chunk.length)
  }

  /** No more will come: the last event counts even where its end is missing. */
  end(): void {
    if (this.#json) return this.#readBody(this.#keeper.take())
    if (!this.#keeper.empty) this.#kept(this.#keeper.take())
    this.#dispatch()
  }

  /** How many tokens have been answered so far: what was told, or at least one for each delta, or an estimate of the text. */
  streamedTokens(estimator: TokenEstimator, model?: string): number {
    if (this.usageFinal && this.usage?.output !== undefined) return this.usage.output
    return Math.max(this.usage?.output ?? 0, this.deltas, estimator.tokens(this.streamed, model))
  }

  #whole(chunk: Uint8Array, from: number, to: number): void {
    const end = to > from && chunk[to - 1] === RETURN ? to - 1 : to
    if (end === from) this.#dispatch()
    else if (isData(chunk, from, end)) this.#append(chunk, from, end)
  }

  #kept({ head, tail }: KeptLine): void {
    if (tail === undefined) return this.#whole(head, 0, head.length)
    this.skipped++
    if (!isData(head, 0, head.length)) return
    this.#append(head, 0, head.length)
    this.#tail = decoder.decode(tail)
  }

  #append(line: Uint8Array, from: number, to: number): void {
    // Of an event of many lines no more is kept than of one line.
    if (this.#lines++ === 0) this.#data = textBehind(line, from, to)
    else if (this.#data.length < MOST_LINES) this.#data += `\n${textBehind(line, from, to)}`
  }

  #dispatch(): void {
    if (this.#lines === 0) return
    const data = this.#data
    const tail = this.#tail
    this.#data = ''
    this.#tail = ''
    this.#lines = 0
    if (tail !== '') this.#readCut(data, tail)
    else if (data.startsWith('[DONE]')) this.finished = true
    else if (data.startsWith('{')) {
      const event = objectOf(parseJson(data))
      if (event !== undefined) this.#read(event)
    }
  }

  #read(event: JsonObject): void {
    const before = this.streamed
    let carried = false
    eachDelta(event, (text) => {
      carried = true
      before.text(text)
    })
    if (carried) this.deltas++
    const { phase, finish, error } = readEvent(event)
    if (finish !== undefined) this.finish = finish
    if (phase === 'last') this.finished = true
    if (error !== undefined) this.failure = readError(0, NO_HEADER, { error })
    const usage = usageOf(event)
    if (usage === undefined) return
    this.usage = laterUsage(this.usage, usage)
    // The running totals of some servers are not the last word; what comes with or after the reason of the end is.
    if (this.finish !== undefined || phase === 'last') this.usageFinal = true
  }

  #readCut(head: string, tail: string): void {
    const type = cutType(head)
    if (type !== undefined && TERMINAL.test(type)) {
      this.finished = true
      this.finish = type.slice('response.'.length)
    }
    this.#tell(tail, this.finished)
  }

  #readBody({ head, tail }: KeptLine): void {
    const text = decoder.decode(head)
    if (tail !== undefined) {
      this.skipped++
      const end = decoder.decode(tail)
      this.finish = cutFinish(end)
      this.finished = end.trimEnd().endsWith('}')
      return this.#tell(end, true)
    }
    const body = objectOf(parseJson(text))
    if (body === undefined) return
    this.finished = true
    this.finish = finishOf(body)
    this.usage = usageOf(body)
    this.usageFinal = this.usage !== undefined
    const error = objectOf(body['error'])
    if (error !== undefined) this.failure = readError(0, NO_HEADER, { error })
  }

  #tell(tail: string, final: boolean): void {
    const usage = cutUsage(tail)
    if (usage === undefined) return
    this.usage = laterUsage(this.usage, usage)
    if (final) this.usageFinal = true
  }
}

/** Whether a line is `data` of an event: that field, with or without a value. */
function isData(line: Uint8Array, from: number, to: number): boolean {
  return (
    to - from > FIELD_LENGTH &&
    line[from] === D &&
    line[from + 1] === 97 &&
    line[from + 2] === 116 &&
    line[from + 3] === 97 &&
    line[from + FIELD_LENGTH] === COLON
  )
}

function textBehind(line: Uint8Array, from: number, to: number): string {
  const start = from + FIELD_LENGTH + 1
  return decoder.decode(line.subarray(line[start] === BLANK && start < to ? start + 1 : start, to))
}
