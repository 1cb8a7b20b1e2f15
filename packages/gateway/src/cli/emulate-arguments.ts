import { InvalidArgumentError } from 'commander'
import type { Millis } from 'sluice'
import { countOf } from '../config/index.ts'
import { readFaultRule } from '../emulate/fault.ts'
import type { Capacity, FaultRule } from '../emulate/index.ts'
import { durationArgument } from './duration.ts'
import { reading } from './reading.ts'

/** What the arguments of `sluice emulate` mean. All say in one line what they expected. */
export const positive: (text: string) => Millis = durationArgument({ min: 1, max: 86_400_000 })

export function count(flag: string, least: number, most?: number): (text: string) => number {
  return reading((text) => countOf(flag, text, least, most))
}

export function number(least: number): (text: string) => number {
  return (text) => {
    const value = /^\d+(\.\d+)?$/.test(text) ? Number(text) : NaN
    if (value >= least) return value
    throw new InvalidArgumentError(`Expected a number from ${least}.`)
  }
}

export function share(text: string): number {
  const value = /^\d+(\.\d+)?$/.test(text) ? Number(text) : NaN
  if (value >= 0 && value <= 1) return value
  throw new InvalidArgumentError('Expected a share from 0 to 1.')
}

export function capacity(text: string): Capacity {
  return text === 'full' || text === 'fixed' ? text : durationArgument({ min: 1, max: 60_000 })(text)
}

export function skew(text: string): Millis {
  const early = text.startsWith('-')
  return durationArgument({ max: 86_400_000 })(early ? text.slice(1) : text) * (early ? -1 : 1)
}

export function range(text: string): number | readonly [number, number] {
  const [, least, most] = /^(\d{1,7})(?:-(\d{1,7}))?$/.exec(text) ?? []
  if (least !== undefined && most === undefined) return Number(least)
  if (least !== undefined && Number(most) >= Number(least)) return [Number(least), Number(most)]
  throw new InvalidArgumentError('Expected tokens like 16 or 50-400.')
}

export function price(text: string): readonly [number, number] {
  const [, input, output] = /^(\d+(?:\.\d+)?)\/(\d+(?:\.\d+)?)$/.exec(text) ?? []
  if (output === undefined)
    throw new InvalidArgumentError('Expected prices of a million tokens in and out, like 2.5/10.')
  return [Number(input), Number(output)]
}

export function change(text: string): { readonly at: Millis; readonly factor: number } {
  const [, factor, at] = /^(\d+(?:\.\d+)?)@(\S+)$/.exec(text) ?? []
  if (at === undefined || Number(factor) === 0)
    throw new InvalidArgumentError('Expected a factor and a time, like 0.5@60s.')
  return { at: durationArgument()(at), factor: Number(factor) }
}

export function faultRule(text: string): FaultRule {
  try {
    return readFaultRule(JSON.parse(text))
  } catch (error) {
    throw new InvalidArgumentError(error instanceof Error ? error.message : String(error))
  }
}

export function collected<T>(
  read: (text: string) => T,
): (text: string, before: readonly T[] | undefined) => readonly T[] {
  return (text, before = []) => [...before, read(text)]
}
