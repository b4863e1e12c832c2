/** A relay with one of everything that has metrics, as its user runs it: three simulated tenants, rows handed in by HTTP, receivers on
 *  TCP, on TCP behind a load balancer, on TLS and on UDP, and a simulated Azure. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createServer, type Server } from 'node:tls'
import type { AzureSimulator } from '@siem-relay/simulator'
import { startDemoAzure } from '../../app/src/demo/azure.ts'
import { type FaultSource, startFaultSource } from '../faults/source.ts'
import { makeCertificates } from './certificates.ts'
import { type Gate, startGate } from './gate.ts'
import { type RelayProcess, startRelayProcess } from './process.ts'
import { type Receiver, tcpReceiver, udpReceiver } from './receivers.ts'

export const agentIds = ['siem', 'balanced', 'secure', 'plain', 'sentinel'] as const
export const sourceIds = ['contoso', 'fabrikam', 'tailspin', 'rows'] as const
export const intakeToken = 'a token of tests'

export interface Monitored extends AsyncDisposable {
  readonly contoso: FaultSource
  readonly fabrikam: FaultSource
  readonly tailspin: FaultSource
  readonly azure: AzureSimulator
  readonly relay: RelayProcess
  /** The receiver of the agent `siem`. */
  readonly receiver: Receiver
  /** Closes it, as if its machine had gone. */
  stopReceiver(): Promise<void>
  /** It is back, on its port. */
  startReceiver(): Promise<void>
  /** The receiver of the agent `balanced`, and what stands in front of it. */
  readonly balanced: Receiver
  readonly balancer: Gate
  /** Closes the UDP port of the agent `plain`. */
  stopUdp(): Promise<void>
  startUdp(): Promise<void>
  /** The receiver of the agent `secure` gets a certificate that is valid for so long. */
  renewCertificate(days: number): void
  /** Changes agents and sources, by id; what was changed before stays so. */
  configure(changes: Readonly<Record<string, object>>): void
  /** Starts it again after it was killed, where it answered before. */
  restart(): Promise<void>
}

export interface MonitoredOptions {
  readonly directory: string
  /** Settings of the log; default: in the directory. */
  readonly bus?: object
  /** Variables of the relay's process. */
  readonly env?: Record<string, string>
}

export async function startMonitored({ directory, bus, env = {} }: MonitoredOptions): Promise<Monitored> {
  await using stack = new AsyncDisposableStack()
  const contoso = stack.use(await startFaultSource(1))
  const fabrikam = stack.use(await startFaultSource(2))
  const tailspin = stack.use(await startFaultSource(3))
  const { azure } = await startDemoAzure({
    directory: join(directory, 'azure'),
    listen: { host: '127.0.0.1', port: 0 },
    ruleFile: undefined,
    onStored: () => Promise.resolve(),
  })
  stack.use(azure)
  let receiver = await tcpReceiver('octet-counting')
  stack.defer(() => receiver[Symbol.asyncDispose]())
  const balanced = stack.use(await tcpReceiver('octet-counting'))
  const balancer = stack.use(await startGate(balanced.port, 'pass'))
  let udp: Receiver | undefined = await udpReceiver()
  const udpPort = udp.port
  stack.defer(() => udp?.[Symbol.asyncDispose]())
  const { server, port: securePort, renew } = await tlsReceiver(directory)
  stack.defer(() => new Promise<void>((resolve) => void server.close(() => resolve())))
  const tcp = (port: number): object => ({
    syslog: {
      host: '127.0.0.1',
      port,
      protocol: 'tcp',
      framing: 'octet-counting',
      checkpointMessages: 50,
      checkpointSeconds: 0.5,
    },
  })
  const destinations: Record<(typeof agentIds)[number], object> = {
    siem: tcp(receiver.port),
    balanced: { ...tcp(balancer.port), activities: { filter: { 'user.username': { neq: ['nobody@contoso.com'] } } } },
    plain: {
      syslog: { host: '127.0.0.1', port: udpPort, protocol: 'udp' },
    },
    secure: {
      syslog: {
        host: '127.0.0.1',
        port: securePort,
        protocol: 'tls',
        checkpointSeconds: 0.5,
        tls: { caFile: join(directory, 'ca.pem'), serverName: 'receiver.test' },
      },
    },
    sentinel: {
      activities: { enabled: true },
      sentinel: {
        endpoint: azure.endpoint,
        authorityHost: azure.authorityHost,
        allowAnyEndpoint: true,
        caFile: join(directory, 'azure', 'azure-ca.pem'),
        ruleId: `dcr-${'0'.repeat(32)}`,
        lingerSeconds: 0.2,
        auth: {
          type: 'client-secret',
          tenantId: 'contoso',
          clientId: 'siem-relay',
          clientSecretFile: join(directory, 'azure', 'azure-client-secret'),
        },
      },
    },
  }
  const changes: Record<string, object> = {}
  const configOf = (admin: string): object => ({
    bus: { path: join(directory, 'log'), freeBytesMin: 1_048_576, ...bus },
    admin: { listen: admin },
    sources: [
      // Records are there at once: nothing settles, and the watermark is where the clock is.
      { ...contoso.config, overlap: { settleSeconds: 0 }, ...changes.contoso },
      { ...fabrikam.config, id: 'fabrikam', overlap: { settleSeconds: 0 }, ...changes.fabrikam },
      { ...tailspin.config, id: 'tailspin', overlap: { settleSeconds: 0 }, ...changes.tailspin },
      {
        id: 'rows',
        tenant: 'contoso',
        type: 'discovery-intake',
        http: { listen: '127.0.0.1:0', token: intakeToken },
      },
    ],
    agents: agentIds.map((id) => ({ id, ...destinations[id], ...changes[id] })),
  })
  let relay = await startRelayProcess(directory, configOf('127.0.0.1:0'), env)
  const admin = new URL(relay.adminUrl).host
  stack.defer(async () => {
    if (relay.child.exitCode === null && relay.child.signalCode === null) await relay.kill('SIGKILL')
  })
  const closing = stack.move()
  return {
    contoso,
    fabrikam,
    tailspin,
    azure,
    balanced,
    balancer,
    get relay() {
      return relay
    },
    get receiver() {
      return receiver
    },
    stopReceiver: async () => receiver[Symbol.asyncDispose](),
    startReceiver: async () => {
      receiver = await tcpReceiver('octet-counting', receiver.port)
    },
    stopUdp: async () => {
      await udp?.[Symbol.asyncDispose]()
      udp = undefined
    },
    startUdp: async () => {
      udp = await udpReceiver(udpPort)
    },
    renewCertificate: renew,
    configure: (next) => {
      for (const [id, change] of Object.entries(next)) changes[id] = { ...changes[id], ...change }
      relay.configure(configOf(admin))
    },
    restart: async () => {
      relay = await startRelayProcess(directory, configOf(admin), env)
    },
    [Symbol.asyncDispose]: () => closing.disposeAsync(),
  }
}

/** Takes everything; what it gets is nobody's concern. */
async function tlsReceiver(directory: string): Promise<{ server: Server; port: number; renew(days: number): void }> {
  const pair = (days: number) => {
    const { certFile, keyFile } = makeCertificates(directory, days)
    return { cert: readFileSync(certFile), key: readFileSync(keyFile) }
  }
  const server = createServer(pair(400), (socket) => socket.resume().on('error', () => socket.destroy()))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  return {
    server,
    port: typeof address === 'object' && address !== null ? address.port : 0,
    renew: (days) => server.setSecureContext(pair(days)),
  }
}
