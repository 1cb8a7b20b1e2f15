import { provider } from 'sluice/llm'
import type { GatewayPlan } from './gateway-plan.ts'
import type { LlmConfig, LlmLimitConfig } from './sections/llm.ts'

type Path = readonly (string | number)[]
type Find = (path: Path, expected: string) => void

/** Finds what of the section `llm` does not fit together. */
export function checkLlm(llm: LlmConfig, { upstreams, redis }: GatewayPlan, find: Find): void {
  const names = Object.keys(upstreams)
  const at = (...path: Path): Path => ['llm', ...path]
  const elsewhere = new Set([llm.overflow?.upstream, llm.overflow?.batch].filter((name) => name !== undefined))
  if (llm.upstream === undefined && names.length - elsewhere.size > 1)
    find(at('upstream'), `one of ${names.join(', ')}`)
  if (llm.upstream !== undefined && !names.includes(llm.upstream)) find(at('upstream'), `one of ${names.join(', ')}`)
  const { overflow, queue, inflight, limits, maxBody, maxOutput } = llm
  const own = llm.upstream ?? names[0]
  for (const way of ['upstream', 'batch'] as const) {
    const name = overflow?.[way]
    if (name === undefined || (names.includes(name) && name !== own)) continue
    const others = names.filter((other) => other !== own)
    find(at('overflow', way), others.length === 0 ? 'a second upstream' : `one of ${others.join(', ')}`)
  }
  if (overflow !== undefined && elsewhere.size === 0 && overflow.cached === undefined)
    find(at('overflow'), 'upstream, cached or batch: another way')
  if (maxBody > queue.bytes) find(at('maxBody'), `at most queue.bytes, which is ${queue.bytes} bytes`)
  if (llm.onDown !== undefined && llm.scope === 'local') find(at('onDown'), 'nothing without scope: fleet')
  if (limits === undefined) {
    if (maxOutput > inflight.tokens)
      find(at('maxOutput'), `at most inflight.tokens, which is ${inflight.tokens}: else nothing would ever fit`)
    if (llm.scope === 'fleet') find(at('scope'), 'limits beside it: there is nothing else to share')
    return
  }
  if (llm.scope === 'fleet' && redis === undefined) find(['redis'], 'a Redis for llm limits of scope fleet')
  const seen = new Set<string>()
  for (const [index, limit] of limits.entries()) {
    for (const name of [limit.model, ...(limit.also ?? [])]) {
      if (seen.has(name)) find(at('limits', index), `each model once, and ${name} is there already`)
      seen.add(name)
    }
    checkLimit(limit, llm, (field, expected) => find(at('limits', index, ...field), expected))
  }
}

function checkLimit(limit: LlmLimitConfig, { dialect, maxOutput }: LlmConfig, find: Find): void {
  const { provider: name = dialect, model, also: _, ...figures } = limit
  const said = Object.fromEntries(Object.entries(figures).filter(([, value]) => value !== undefined))
  try {
    provider[name]({ maxOutput, model, ...said })
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    const [, field = '', expected = error.message] =
      /^provider\.\w+\.?(\w*)\S*: expected (.*), got /s.exec(error.message) ?? []
    if (field in said) find([field], expected)
    else find([], `${field} ${expected}`.trimStart())
  }
}
