import { checkFunction, checkOptions, refuseValue } from '../ground/index.ts'
import type { DoorOptions } from './door-options.ts'
import type { Trust } from './trust.ts'

const FUNCTIONS = ['bypass', 'classify', 'key', 'cost', 'arrival', 'onReject', 'load'] as const
/** What these set elsewhere, a rate, is not what `limit` is here. */
const RATES = ['windowMs', 'max']

/**
 * Refuses what was meant otherwise: one number for all options, text for a function, what limits a rate elsewhere.
 * @throws RangeError naming the option
 */
export function checkDoorOptions<Req>(options: DoorOptions<Req>): void {
  checkOptions('options', options)
  for (const name of RATES)
    if (name in options) refuseValue(name, Reflect.get(options, name), 'no rate: `limit` is how many at once')
  for (const name of FUNCTIONS) if (options[name] !== undefined) checkFunction(name, options[name])
  const { trust, body = 'problem' } = options
  if (trust !== undefined && typeof (trust as Trust | null)?.believes !== 'function')
    refuseValue('trust', trust, '`trust([…])`')
  if (body !== 'problem' && body !== 'envelope') refuseValue('body', body, "'envelope' or 'problem'")
}
