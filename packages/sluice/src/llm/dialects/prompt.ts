import { TokenMeasure } from '../estimator-measure.ts'
import type { MediaTokens } from '../estimator-media.ts'
import { objectOf, textOf, type JsonObject } from './json-field.ts'

/** Says what a part is, or names it: the model does not read these. */
const UNREAD = new Set([
  'type',
  'role',
  'id',
  'status',
  'detail',
  'cache_control',
  'call_id',
  'tool_call_id',
  'tool_use_id',
  'encrypted_content',
  'signature',
  'thoughtSignature',
  'mimeType',
  'mime_type',
  'media_type',
])
const IMAGES = new Set(['image_url', 'input_image', 'image'])
const SOUNDS = new Set(['input_audio', 'audio'])
const FILES = new Set(['file', 'input_file', 'document', 'container_upload'])
/** Objects under these names are shown to the model as JSON, with their keys. */
const SHOWN = new Set(['input', 'args', 'parameters', 'input_schema', 'json_schema', 'schema', 'response'])
/** Text that begins so is a file, not text. */
const DATA = 'data:'
const KB = 1000

/** Everything of a request that a model reads, found without recursion: how deep it is nested is up to the sender. */
export class Prompt {
  /** How many pictures. */
  images = 0
  /** Something is named that is not in the request. */
  more = false
  readonly #texts: string[] = []
  readonly #media: MediaTokens
  readonly #left: unknown[] = []
  #keys = 0
  #counted = 0

  constructor(media: MediaTokens) {
    this.#media = media
  }

  /** Messages, parts, or a text. */
  add(value: unknown): void {
    this.#walk(value, false)
  }

  /** What is shown with its keys: descriptions of tools, schemas. */
  addSchema(value: unknown): void {
    this.#walk(value, true)
  }

  measure(): TokenMeasure {
    const measure = new TokenMeasure().texts(this.#texts).marks(this.#keys)
    measure.media += this.#counted
    return measure
  }

  #walk(root: unknown, shown: boolean): void {
    const left = this.#left
    if (root !== undefined) left.push(root, shown)
    while (left.length > 0) {
      const withKeys = left.pop() === true
      const value = left.pop()
      if (typeof value === 'string') this.#text(value)
      else if (Array.isArray(value)) this.#list(value, withKeys)
      else if (typeof value === 'object' && value !== null) this.#object(value as JsonObject, withKeys)
      else if (withKeys && value !== undefined) this.#keys++
    }
  }

  #list(list: readonly unknown[], withKeys: boolean): void {
    for (const item of list) {
      // A prompt may come as the numbers of its tokens.
      if (typeof item === 'number' && !withKeys) this.#counted++
      else this.#left.push(item, withKeys)
    }
  }

  #object(object: JsonObject, withKeys: boolean): void {
    if (withKeys) {
      for (const key in object) {
        this.#texts.push(key)
        this.#keys++
        this.#left.push(object[key], true)
      }
      return
    }
    if (this.#medium(object)) return
    for (const key in object) if (!UNREAD.has(key)) this.#left.push(object[key], SHOWN.has(key))
  }

  /** True when the object is a picture, sound or a file, and was counted as that. */
  #medium(object: JsonObject): boolean {
    const type = textOf(object['type']) ?? ''
    const inline = objectOf(object['inlineData']) ?? objectOf(object['inline_data'])
    const kind = inline === undefined ? '' : (textOf(inline['mimeType']) ?? textOf(inline['mime_type']) ?? '')
    if (IMAGES.has(type) || kind.startsWith('image/')) {
      const detail = object['detail'] ?? objectOf(object['image_url'])?.['detail']
      this.images++
      this.#counted += detail === 'low' ? this.#media.imageLow : this.#media.image
      return true
    }
    if (SOUNDS.has(type) || kind.startsWith('audio/')) {
      const data = inline?.['data'] ?? objectOf(object['input_audio'])?.['data']
      this.#counted += Math.ceil((lengthOf(data) / KB) * this.#media.audioPerKb)
      return true
    }
    if (!FILES.has(type) && inline === undefined) return false
    this.#file(object, inline)
    return true
  }

  #file(object: JsonObject, inline: JsonObject | undefined): void {
    const source = objectOf(object['source'])
    const data = inline?.['data'] ?? object['file_data'] ?? objectOf(object['file'])?.['file_data'] ?? source?.['data']
    if (source?.['type'] === 'text' || source?.['type'] === 'content')
      this.#left.push(source['data'] ?? source['content'], false)
    else if (lengthOf(data) > 0) this.#counted += this.#fileTokens(lengthOf(data))
    else {
      this.more = true
      this.#counted += this.#media.file
    }
  }

  #text(text: string): void {
    if (text.length > KB && text.startsWith(DATA)) this.#counted += this.#fileTokens(text.length)
    else if (text !== '') this.#texts.push(text)
  }

  #fileTokens(length: number): number {
    return Math.ceil((length / KB) * this.#media.filePerKb)
  }
}

function lengthOf(data: unknown): number {
  return typeof data === 'string' ? data.length : 0
}
