// A gRPC service of all four kinds on the loopback address, its methods written down by hand and its messages JSON.
import {
  Client,
  credentials,
  Metadata,
  Server,
  ServerCredentials,
  type CallOptions,
  type ClientDuplexStream,
  type ClientOptions,
  type ClientReadableStream,
  type ClientUnaryCall,
  type ClientWritableStream,
  type handleBidiStreamingCall,
  type handleClientStreamingCall,
  type handleServerStreamingCall,
  type handleUnaryCall,
  type ServerOptions,
  type ServiceDefinition,
  type ServiceError,
  type status,
  type StatusObject,
} from '@grpc/grpc-js'

/** A message of the test service. */
export interface Note {
  readonly text: string
}

const write = (note: Note): Buffer => Buffer.from(JSON.stringify(note))
const read = (bytes: Buffer): Note => JSON.parse(bytes.toString()) as Note

/** How many messages servers have decoded so far. */
export let decoded = 0

function counted(bytes: Buffer): Note {
  decoded++
  return read(bytes)
}

/** The methods, by kind. */
export const PATHS = {
  unary: '/sluice.test.Notes/Unary',
  collect: '/sluice.test.Notes/Collect',
  feed: '/sluice.test.Notes/Feed',
  chat: '/sluice.test.Notes/Chat',
} as const

function method(path: string, requestStream: boolean, responseStream: boolean): ServiceDefinition[string] {
  return {
    path,
    requestStream,
    responseStream,
    requestSerialize: write,
    requestDeserialize: counted,
    responseSerialize: write,
    responseDeserialize: read,
  }
}

const NOTES: ServiceDefinition = {
  unary: method(PATHS.unary, false, false),
  collect: method(PATHS.collect, true, false),
  feed: method(PATHS.feed, false, true),
  chat: method(PATHS.chat, true, true),
}

/** The paths of services that bypass a gate by default. */
export const HEALTH = '/grpc.health.v1.Health/Check'

/** What the service does. Default: echoes. */
export interface Handlers {
  readonly unary?: handleUnaryCall<Note, Note>
  readonly collect?: handleClientStreamingCall<Note, Note>
  readonly feed?: handleServerStreamingCall<Note, Note>
  readonly chat?: handleBidiStreamingCall<Note, Note>
}

const ECHO: Required<Handlers> = {
  unary: ({ request }, answer) => answer(null, request),
  collect: (call, answer) => {
    const texts: string[] = []
    call.on('data', ({ text }: Note) => texts.push(text))
    call.on('end', () => answer(null, { text: texts.join() }))
  },
  feed: (call) => {
    for (let count = 0; count < 3; count++) call.write({ text: `${call.request.text}${count}` })
    call.end()
  },
  chat: (call) => {
    call.on('data', (note: Note) => call.write(note))
    call.on('end', () => call.end())
  },
}

export interface Running {
  readonly port: number
  readonly server: Server
  close(): void
}

/** Starts the service on a port of its own. */
export async function start(handlers: Handlers, options: ServerOptions): Promise<Running> {
  const server = new Server(options)
  server.addService(NOTES, { ...ECHO, ...handlers })
  server.addService({ check: method(HEALTH, false, false) }, { check: ECHO.unary })
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    )
  })
  return { port, server, close: () => server.forceShutdown() }
}

/** How a call ended. */
export interface Ending {
  readonly code: status
  readonly details: string
  readonly metadata: Metadata
  /** What came back: text by text. */
  readonly texts: readonly string[]
  readonly error?: ServiceError
}

export interface OpenCall {
  readonly call:
    | ClientUnaryCall
    | ClientWritableStream<Note>
    | ClientReadableStream<Note>
    | ClientDuplexStream<Note, Note>
  readonly ended: Promise<Ending>
  cancel(): void
}

export type Kind = keyof typeof PATHS

export const KINDS: readonly Kind[] = ['unary', 'collect', 'feed', 'chat']

/** What a call of the test is made with. */
export interface Ask extends CallOptions {
  readonly text?: string
  readonly metadata?: Metadata
  /** Default: that of the kind. */
  readonly path?: string
  /** Leave the sending side open. */
  readonly open?: boolean
}

/** A client of the service. */
export class Caller {
  readonly client: Client

  constructor(port: number, options: ClientOptions = {}) {
    // A pool of its own: else every client of the process shares one connection to the port.
    this.client = new Client(`127.0.0.1:${port}`, credentials.createInsecure(), {
      'grpc.use_local_subchannel_pool': 1,
      ...options,
    })
  }

  /** Makes a call of a kind, with one message for those that stream. */
  open(kind: Kind, ask: Ask = {}): OpenCall {
    const { text = 'a', metadata = new Metadata(), path = PATHS[kind], open = false, ...options } = ask
    const note = { text }
    const texts: string[] = []
    const { promise, settle } = ending(texts)
    const answer = (error: ServiceError | null, value?: Note): void => {
      if (value !== undefined) texts.push(value.text)
      if (error !== null) settle(error, error)
    }
    const { client } = this
    const receiving = (call: ClientReadableStream<Note> | ClientDuplexStream<Note, Note>): void => {
      call.on('data', (got: Note) => texts.push(got.text))
      call.on('error', (error: ServiceError) => settle(error, error))
    }
    if (kind === 'unary') {
      const call = client.makeUnaryRequest(path, write, read, note, metadata, options, answer)
      call.on('status', (status: StatusObject) => settle(status))
      return { call, ended: promise, cancel: () => call.cancel() }
    }
    if (kind === 'collect') {
      const call = client.makeClientStreamRequest(path, write, read, metadata, options, answer)
      call.on('status', (status: StatusObject) => settle(status))
      call.on('error', () => undefined)
      call.write(note)
      if (!open) call.end()
      return { call, ended: promise, cancel: () => call.cancel() }
    }
    if (kind === 'feed') {
      const call = client.makeServerStreamRequest(path, write, read, note, metadata, options)
      receiving(call)
      call.on('status', (status: StatusObject) => settle(status))
      return { call, ended: promise, cancel: () => call.cancel() }
    }
    const call = client.makeBidiStreamRequest(path, write, read, metadata, options)
    receiving(call)
    call.on('status', (status: StatusObject) => settle(status))
    call.write(note)
    if (!open) call.end()
    return { call, ended: promise, cancel: () => call.cancel() }
  }

  /** Makes a call and waits for its end. */
  ask(kind: Kind, ask?: Ask): Promise<Ending> {
    return this.open(kind, ask).ended
  }

  close(): void {
    this.client.close()
  }
}

function ending(texts: readonly string[]): {
  readonly promise: Promise<Ending>
  readonly settle: (status: StatusObject, error?: ServiceError) => void
} {
  let resolve!: (ended: Ending) => void
  const promise = new Promise<Ending>((done) => (resolve = done))
  let error: ServiceError | undefined
  return {
    promise,
    settle: ({ code, details, metadata }, failed) => {
      error ??= failed
      // The callback and the status event come in either order: one turn later both have been heard.
      setImmediate(() => resolve({ code, details, metadata, texts, ...(error && { error }) }))
    },
  }
}

/** Runs `prove` against the service, and ends it and its caller whatever comes of that. */
export async function serving(
  setup: { readonly handlers?: Handlers; readonly server?: ServerOptions; readonly client?: ClientOptions },
  prove: (caller: Caller, running: Running) => Promise<void>,
): Promise<void> {
  const running = await start(setup.handlers ?? {}, setup.server ?? {})
  const caller = new Caller(running.port, setup.client)
  try {
    await prove(caller, running)
  } finally {
    caller.close()
    running.close()
  }
}
