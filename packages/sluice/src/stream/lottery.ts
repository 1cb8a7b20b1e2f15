import type { Random } from '../ground/index.ts'
import { Chain, type Link } from './chain.ts'

/** An item in line, which knows its number among those who may be drawn. */
class Ticket<T> implements Link {
  previous: Link | undefined
  next: Link | undefined
  readonly item: T
  place: number

  constructor(item: T, place: number) {
    this.item = item
    this.place = place
  }
}

/** First in, first out, where any item may be drawn by lot and taken out: O(1), and the others keep their order. */
export class Lottery<T> {
  readonly #line = new Chain<Ticket<T>>()
  /** The same ones in no order: the last takes the place of whoever leaves. */
  readonly #tickets: Ticket<T>[] = []

  get size(): number {
    return this.#tickets.length
  }

  push(item: T): void {
    const ticket = new Ticket(item, this.#tickets.length)
    this.#tickets.push(ticket)
    this.#line.append(ticket)
  }

  /** Takes the oldest out. */
  shift(): T | undefined {
    const ticket = this.#line.head
    return ticket && this.#leave(ticket)
  }

  /** Takes one out by lot, all alike. */
  draw(random: Random): T | undefined {
    const ticket = this.#tickets[Math.floor(random() * this.#tickets.length)]
    return ticket && this.#leave(ticket)
  }

  #leave(ticket: Ticket<T>): T {
    this.#line.remove(ticket)
    const last = this.#tickets.pop()!
    if (last !== ticket) {
      this.#tickets[ticket.place] = last
      last.place = ticket.place
    }
    return ticket.item
  }
}
