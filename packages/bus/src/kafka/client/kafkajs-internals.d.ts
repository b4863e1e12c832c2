/** The one class inside kafkajs 2.2.4 that is used beside its public interface: a connection with TLS and SASL. The version is
 *  pinned exactly, and kafkajs has had no release since. */
declare module 'kafkajs/src/network/connection.js' {
  import type { Socket } from 'node:net'

  interface Encoded {
    readonly buf: Buffer
    readonly buffer: Buffer
  }

  export interface ProtocolRequest<Answer> {
    readonly request: {
      readonly apiKey: number
      readonly apiVersion: number
      readonly apiName: string
      encode(): Promise<Encoded>
    }
    readonly response: {
      decode(bytes: Buffer): Promise<unknown>
      parse(decoded: never): Promise<Answer>
    }
    readonly logResponseError: boolean
  }

  export default class Connection {
    constructor(options: Record<string, unknown>)
    readonly sessionLifetime: { toNumber(): number }
    readonly socket: Socket | undefined
    readonly requestQueue: { scheduleCheckPendingRequests: () => void }
    connect(): Promise<unknown>
    authenticate(): Promise<void>
    disconnect(): Promise<unknown>
    isConnected(): boolean
    setVersions(versions: Readonly<Record<number, { minVersion: number; maxVersion: number }>>): void
    setSupportAuthenticationProtocol(isSupported: boolean): void
    send<Answer>(request: ProtocolRequest<Answer>): Promise<Answer>
    rejectRequests(error: Error): void
  }
}

declare module 'kafkajs/src/loggers/index.js' {
  const loggers: { createLogger(options: { level: number; logCreator: () => () => void }): unknown }
  export default loggers
}

declare module 'kafkajs/src/network/socketFactory.js' {
  export default function createSocketFactory(): unknown
}
