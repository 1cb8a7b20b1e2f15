import { readAsked, type LlmAsked } from '../dialects/asked.ts'
import type { AiCallLike } from './ai-model.ts'

/** What a call of the AI SDK asks for. */
export function aiAsked({ prompt, tools, responseFormat, maxOutputTokens }: AiCallLike): LlmAsked {
  return readAsked('generic', {
    messages: prompt.map(({ role, content }) => ({ role, content: contentOf(content) })),
    tools,
    response_format: responseFormat,
    ...(maxOutputTokens !== undefined && { max_tokens: maxOutputTokens }),
  })
}

interface FilePart {
  readonly type?: unknown
  readonly mediaType?: unknown
  readonly data?: unknown
}

/** Files are named as those of a provider: their bytes are no text. */
function contentOf(content: unknown): unknown {
  if (!Array.isArray(content)) return content
  return content.map((part: FilePart | null) => {
    if (part === null || typeof part !== 'object' || part.type !== 'file') return part
    const { mediaType, data } = part
    if (typeof mediaType === 'string' && mediaType.startsWith('image/')) return { type: 'image' }
    if (typeof data === 'string') return { type: 'file', file_data: data }
    // As long as it would be in base64.
    return { type: 'file', ...(data instanceof Uint8Array && { file_data: ' '.repeat((data.length * 4) / 3) }) }
  })
}
