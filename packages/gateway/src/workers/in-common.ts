/** Whose news it is. */
export interface FromPart {
  /** Of what it is a part: what is equal in two workers is one. */
  readonly key: string
  /** Which part of its worker: while plans change there may be two of one thing. */
  readonly part: number
}

/** For which part of its worker an order is. */
export interface ToPart {
  readonly part: number
}

/** What keeps something for its members. */
export interface Keeper<Told> {
  readonly members: readonly string[]
  hear(member: string, told: Told): void
  /** What it had is over. */
  gone(member: string): void
}

/** What workers have in common, kept here as long as one of them has a part of it. */
export abstract class InCommon<Told extends { readonly leaves: boolean }, Decision, Kept extends Keeper<Told>> {
  /** What whoever comes next is a member of, by its key. */
  protected readonly kept: Map<string, Kept> = new Map()
  readonly #of = new Map<string, Kept>()
  readonly #send: (worker: number, order: Decision & ToPart) => void

  constructor(send: (worker: number, order: Decision & ToPart) => void) {
    this.#send = send
  }

  protected abstract begun(key: string, send: (member: string, decision: Decision) => void): Kept

  hear(worker: number, news: Told & FromPart): void {
    const { key, part } = news
    const member = `${worker}/${part}`
    if (news.leaves) return this.#leave(member)
    let keeper = this.#of.get(member) ?? this.kept.get(key)
    if (keeper === undefined) {
      keeper = this.begun(key, (to, decision) => {
        const [number, of] = to.split('/').map(Number)
        this.#send(number!, { ...decision, part: of! })
      })
      this.kept.set(key, keeper)
    }
    this.#of.set(member, keeper)
    keeper.hear(member, news)
  }

  /** A worker has ended. */
  gone(worker: number): void {
    for (const member of this.#of.keys()) if (member.startsWith(`${worker}/`)) this.#leave(member)
  }

  #leave(member: string): void {
    const keeper = this.#of.get(member)
    this.#of.delete(member)
    keeper?.gone(member)
    if (keeper?.members.length !== 0) return
    for (const [key, kept] of this.kept) if (kept === keeper) this.kept.delete(key)
  }
}
