/** How a door reads the requests of its framework. One for each framework; nothing is allocated to read a request. */
export interface Reader<Req> {
  /** In capitals. */
  method(req: Req): string
  /** Path and query as they came. */
  target(req: Req): string
  /** @param name in lower case. Several headers of one name are joined with `, `, as RFC 9110 §5.3 has it. */
  header(req: Req, name: string): string | undefined
  /** The address at the other end of the connection, not what any header says; `undefined` where nobody knows. */
  peer(req: Req): string | undefined
}
