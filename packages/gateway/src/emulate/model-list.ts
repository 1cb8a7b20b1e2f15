import { InvalidRequest } from './dialects/dialect.ts'

/** What is listed when any name does. */
const SHOWN = ['emulated-model']
const BORN = '2026-01-01T00:00:00Z'

/**
 * The list of models, or one of them.
 * @throws InvalidRequest for one that does not exist
 */
export function modelList(style: 'openai' | 'anthropic', models: readonly string[], wanted?: string): unknown {
  if (wanted !== undefined) {
    if (models.length > 0 && !models.includes(wanted))
      throw new InvalidRequest(404, `The model '${wanted}' does not exist.`, 'model', 'model_not_found')
    return entry(style, wanted)
  }
  const names = models.length > 0 ? models : SHOWN
  const data = names.map((name) => entry(style, name))
  return style === 'openai'
    ? { object: 'list', data }
    : { data, has_more: false, first_id: names[0], last_id: names.at(-1) }
}

function entry(style: 'openai' | 'anthropic', id: string): unknown {
  return style === 'openai'
    ? { id, object: 'model', created: Date.parse(BORN) / 1000, owned_by: 'emulator' }
    : { type: 'model', id, display_name: id, created_at: BORN }
}
