/** How a request and its answer are written. What is `generic` is read by guess and refused as OpenAI does. */
export type Dialect = 'openai-chat' | 'openai-responses' | 'anthropic-messages' | 'generic'

const MESSAGES = /(?:^|\/)v1\/messages$/
// Threads of the Assistants API have messages too; those are not generated.
const GENERIC =
  /(?:\/completions|\/embeddings|:(?:stream)?generatecontent|\/converse(?:-stream)?|\/invoke(?:-with-response-stream)?)$/

/**
 * The dialect a path speaks, whatever stands before it (`/openai/deployments/x/chat/completions`, `/anthropic/v1/messages`),
 * or undefined for what asks no model: lists of models, files, batches, the counting of tokens.
 * @param target a path, or the target of a request with its query
 */
export function dialectOf(target: string): Dialect | undefined {
  const query = target.indexOf('?')
  let path = (query < 0 ? target : target.slice(0, query)).toLowerCase()
  if (path.endsWith('/')) path = path.slice(0, -1)
  if (path.endsWith('/chat/completions')) return 'openai-chat'
  if (path.endsWith('/responses')) return 'openai-responses'
  if (MESSAGES.test(path)) return 'anthropic-messages'
  return GENERIC.test(path) ? 'generic' : undefined
}
