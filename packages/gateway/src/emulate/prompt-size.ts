/** How much text a prompt is. */
export interface PromptSize {
  readonly characters: number
  readonly bytes: number
  readonly images: number
  readonly messages: number
}

/** What a picture counts, in tokens. */
const IMAGE = 1000
/** What a message counts besides its text, in tokens. */
const MESSAGE = 4
const CHARACTERS_PER_TOKEN = 4

/** The size of everything somebody could read in `parts`: messages, instructions, tools. */
export function promptSize(messages: number, ...parts: readonly unknown[]): PromptSize {
  const size = { characters: 0, bytes: 0, images: 0, messages }
  const walk = (value: unknown): void => {
    if (typeof value === 'string') {
      size.characters += value.length
      size.bytes += Buffer.byteLength(value)
    } else if (Array.isArray(value)) {
      for (const each of value) walk(each)
    } else if (typeof value === 'object' && value !== null) {
      if (isImage(value)) size.images++
      else for (const each of Object.values(value)) walk(each)
    }
  }
  for (const part of parts) walk(part)
  return size
}

/** What the tokenizer of this provider makes of it. */
export function tokensOf({ bytes, images, messages }: PromptSize, bytesPerToken: number): number {
  return Math.max(1, Math.ceil(bytes / bytesPerToken) + images * IMAGE + messages * MESSAGE)
}

/** What its door takes it for, by the count of characters. */
export function estimateOf({ characters, images }: PromptSize): number {
  return Math.max(1, Math.ceil(characters / CHARACTERS_PER_TOKEN) + images * IMAGE)
}

function isImage(value: object): boolean {
  const { type, inlineData } = value as { type?: unknown; inlineData?: unknown }
  return type === 'image' || type === 'image_url' || type === 'input_image' || inlineData !== undefined
}
