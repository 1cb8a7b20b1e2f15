import assert from 'node:assert/strict'
import { seeded, type Millis } from 'sluice'
import { VirtualClock } from 'sluice/sim'
import type { Admission } from '../../src/emulate/admission.ts'
import {
  ProviderModel,
  type Ask,
  type DimensionName,
  type ProviderModelOptions,
  type ProviderRefusal,
} from '../../src/emulate/index.ts'

/** A model in virtual time, and the questions tests ask of it. */
export class ModelWorld {
  readonly clock: VirtualClock
  readonly model: ProviderModel

  constructor(options: Omit<ProviderModelOptions, 'clock'>) {
    // Not 0: whoever takes it for an origin is found out.
    this.clock = new VirtualClock(987_654)
    this.model = new ProviderModel({ random: seeded(1), ...options, clock: this.clock })
  }

  admit(ask: Partial<Ask> = {}): Admission {
    const verdict = this.model.ask({ input: 0, ...ask })
    assert.ok(verdict.admitted, `refused: ${JSON.stringify(verdict)}`)
    return verdict
  }

  refuse(ask: Partial<Ask> = {}): ProviderRefusal {
    const verdict = this.model.ask({ input: 0, ...ask })
    assert.ok(!verdict.admitted, 'was let in')
    return verdict
  }

  level(dimension: DimensionName): number {
    const found = this.model.standing().find((each) => each.dimension === dimension)
    assert.ok(found)
    return found.level
  }

  pass(duration: Millis): void {
    this.clock.advance(duration)
  }
}

/** Equal but for what floating point may do. */
export function near(actual: number, expected: number, within = 1e-6): void {
  assert.ok(Math.abs(actual - expected) <= within, `${actual} is not ${expected}`)
}
