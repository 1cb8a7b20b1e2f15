import type { Metadata, ServerInterceptingCallInterface } from '@grpc/grpc-js'
import type { Millis, WallClock } from '../ground/index.ts'
import type { Reader } from '../http/index.ts'
import { previousAttempts } from './attempts.ts'
import { timeUntil } from './wall-time.ts'

/** Who is at the other end of the connection: with mutual TLS, its certificate. */
export type AuthContext = ReturnType<ServerInterceptingCallInterface['getAuthContext']>

/** What is known of a call before its first message is read. */
export interface GrpcRequest {
  /** `/package.Service/Method`. */
  readonly path: string
  /** Whatever the client says. */
  readonly metadata: Metadata
  /** The address at the other end of the connection; `undefined` where there is none (a Unix socket). */
  readonly peer: string | undefined
  readonly authContext: AuthContext
  /** How often it was tried before, by its own account (`grpc-previous-rpc-attempts`). */
  readonly attempts: number
  /** How long the client will wait from now on (`grpc-timeout`), in ms; `Infinity` where it does not say. */
  readonly timeLeft: Millis
}

/** Reads what is asked for, when it is asked for: most doors look at the path alone. */
export class ServerRequest implements GrpcRequest {
  readonly path: string
  readonly metadata: Metadata
  readonly #call: ServerInterceptingCallInterface
  readonly #wall: WallClock

  constructor(path: string, metadata: Metadata, call: ServerInterceptingCallInterface, wall: WallClock) {
    this.path = path
    this.metadata = metadata
    this.#call = call
    this.#wall = wall
  }

  get peer(): string | undefined {
    const peer = this.#call.getPeer()
    // grpc-js puts no brackets around IPv6, but the port always comes last.
    const colon = peer.lastIndexOf(':')
    return colon === -1 ? undefined : peer.slice(0, colon)
  }

  get authContext(): AuthContext {
    return this.#call.getAuthContext()
  }

  get attempts(): number {
    return previousAttempts(this.metadata)
  }

  get timeLeft(): Millis {
    return timeUntil(this.#call.getDeadline(), this.#wall)
  }
}

/** How the common door reads a gRPC call: as the HTTP/2 request it came in. */
export const grpcReader: Reader<GrpcRequest> = {
  method: () => 'POST',
  target: ({ path }) => path,
  header: ({ metadata }, name) => {
    const values = metadata.get(name)
    return values.length === 0 ? undefined : values.map(String).join(', ')
  },
  peer: ({ peer }) => peer,
}

/** Health checks and reflection: what must be answered under any load. */
const BESIDE_THE_WORK = /^\/grpc\.(health\.v1\.Health|reflection\.v1(alpha)?\.ServerReflection)\/[A-Za-z]+$/

/** True for calls of `grpc.health.v1.Health` and of `grpc.reflection.v1(alpha).ServerReflection`. */
export function isGrpcHealth({ path }: GrpcRequest): boolean {
  return BESIDE_THE_WORK.test(path)
}
