import { number } from './format.ts'
import type { OrderView } from './snapshot.ts'

/** What an operator has ordered, in a few words. */
export function orderInWords(order: OrderView): string {
  return order.kind === 'pause' ? 'nobody is refused' : `${order.limit} is ${number(order.to)}`
}
