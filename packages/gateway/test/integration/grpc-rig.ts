// A server of gRPC and who calls it: both are those of @grpc/grpc-js.
import {
  Client,
  credentials,
  Metadata,
  Server,
  ServerCredentials,
  status,
  type ClientDuplexStream,
  type ClientReadableStream,
  type ClientWritableStream,
  type MethodDefinition,
  type sendUnaryData,
  type ServerDuplexStream,
  type ServerReadableStream,
  type ServerUnaryCall,
  type ServerWritableStream,
  type ServiceError,
  type StatusObject,
} from '@grpc/grpc-js'
import type { Scene } from './proxy-rig.ts'

const write = (text: string): Buffer => Buffer.from(text)
const read = (bytes: Buffer): string => bytes.toString()

function method(name: string, requestStream: boolean, responseStream: boolean): MethodDefinition<string, string> {
  const codec = {
    requestSerialize: write,
    requestDeserialize: read,
    responseSerialize: write,
    responseDeserialize: read,
  }
  return { path: `/demo.Echo/${name}`, requestStream, responseStream, ...codec }
}

/** Statuses that can be asked for: the first is the caller's mistake, the others are the server's. */
export const FAILURES: readonly status[] = [status.NOT_FOUND, status.UNAVAILABLE, status.INTERNAL, status.DATA_LOSS]

const SERVICE = {
  say: method('Say', false, false),
  fail: method('Fail', false, false),
  hang: method('Hang', false, false),
  count: method('Count', false, true),
  sum: method('Sum', true, false),
  chat: method('Chat', true, true),
}

export interface EchoServer {
  readonly port: number
  /** Calls that were cancelled, by method. */
  readonly cancelled: readonly string[]
  /** Calls that came, by method. */
  readonly heard: readonly string[]
  cut(): void
}

export async function echoServer(stage: Scene): Promise<EchoServer> {
  const server = new Server()
  const cancelled: string[] = []
  const heard: string[] = []
  server.addService(SERVICE, {
    say(call: ServerUnaryCall<string, string>, answer: sendUnaryData<string>) {
      heard.push('say')
      const head = new Metadata()
      head.set('x-head', String(call.metadata.get('x-mine')[0] ?? ''))
      call.sendMetadata(head)
      const trailer = new Metadata()
      trailer.set('x-late', 'after')
      trailer.set('x-late-bin', Buffer.from([0, 255, 1]))
      answer(null, `hello ${call.request}`, trailer)
    },
    fail(call: ServerUnaryCall<string, string>, answer: sendUnaryData<string>) {
      heard.push('fail')
      const [wanted, pushback, when] = call.request.split(' ')
      const code = [...FAILURES, status.RESOURCE_EXHAUSTED].find((each) => String(each) === wanted) ?? status.UNKNOWN
      const metadata = new Metadata()
      metadata.set('x-why', 'because')
      if (pushback !== undefined) metadata.set('grpc-retry-pushback-ms', pushback)
      if (when === 'late') call.sendMetadata(new Metadata())
      answer({ code, details: 'no: 100 % näin', metadata })
    },
    hang(call: ServerUnaryCall<string, string>) {
      heard.push('hang')
      call.on('cancelled', () => void cancelled.push('hang'))
    },
    count(call: ServerWritableStream<string, string>) {
      heard.push('count')
      call.on('cancelled', () => void cancelled.push('count'))
      const [most, size] = call.request.split(' ').map(Number) as [number, number]
      for (let i = 0; i < most; i++) call.write(String(i).padEnd(size, '.'))
      if (most > 0) call.end()
      else call.write('one')
    },
    sum(call: ServerReadableStream<string, string>, answer: sendUnaryData<string>) {
      heard.push('sum')
      let sum = 0
      call.on('data', (text: string) => (sum += Number(text)))
      call.on('end', () => answer(null, String(sum)))
    },
    chat(call: ServerDuplexStream<string, string>) {
      heard.push('chat')
      call.on('cancelled', () => void cancelled.push('chat'))
      call.on('data', (text: string) => {
        if (text === 'bye') call.end()
        else call.write(`you said ${text}`)
      })
      call.on('end', () => call.end())
    },
  })
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    ),
  )
  stage.onEnd(() => server.forceShutdown())
  return { port, cancelled, heard, cut: () => server.forceShutdown() }
}

export class Caller {
  readonly #client: Client

  constructor(stage: Scene, port: number) {
    this.#client = new Client(`127.0.0.1:${port}`, credentials.createInsecure())
    stage.onEnd(() => this.#client.close())
  }

  unary(
    name: 'say' | 'fail' | 'hang',
    text: string,
    { metadata = new Metadata(), deadline = 5000 }: { readonly metadata?: Metadata; readonly deadline?: number } = {},
  ): Promise<{
    readonly text: string | undefined
    readonly head: Metadata | undefined
    readonly status: StatusObject
  }> {
    return new Promise((resolve) => {
      let head: Metadata | undefined
      let text_: string | undefined
      const call = this.#client.makeUnaryRequest(
        SERVICE[name].path,
        write,
        read,
        text,
        metadata,
        { deadline: Date.now() + deadline },
        (_error: ServiceError | null, said?: string) => (text_ = said),
      )
      call.on('metadata', (got: Metadata) => (head = got))
      call.on('status', (told: StatusObject) => resolve({ text: text_, head, status: told }))
    })
  }

  count(most: number, size: number): ClientReadableStream<string> {
    return this.#client.makeServerStreamRequest(SERVICE.count.path, write, read, `${most} ${size}`)
  }

  sum(done: (error: ServiceError | null, sum?: string) => void): ClientWritableStream<string> {
    return this.#client.makeClientStreamRequest(SERVICE.sum.path, write, read, done)
  }

  chat(): ClientDuplexStream<string, string> {
    return this.#client.makeBidiStreamRequest(SERVICE.chat.path, write, read)
  }
}
