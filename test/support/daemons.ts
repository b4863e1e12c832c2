/** Real syslog receivers: rsyslog and syslog-ng from the system's packages, each with its own configuration, ports and files, ended
 *  by their process id. `scripts/receivers.sh` installs them. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { basename, join } from 'node:path'
import type { ServerCertificate } from './certificates.ts'

/** What a receiver stored of a message. */
export interface Stored {
  readonly host: string
  readonly message: string
}

/** A receiver with a configuration of somebody else's. */
export interface DaemonProcess extends AsyncDisposable {
  kill(signal: NodeJS.Signals): Promise<void>
}

export interface Daemon extends DaemonProcess {
  readonly udpPort: number
  readonly tcpPort: number
  readonly tlsPort: number
  /** rsyslog only. */
  readonly relpPort: number
  readonly relpTlsPort: number
  /** What it stored so far. */
  stored(): readonly Stored[]
}

export interface DaemonOptions {
  readonly directory: string
  /** Octet counting on the TCP port; rsyslog takes both by itself. */
  readonly octetCounting?: boolean
  /** Server certificate; without it no TLS port opens. */
  readonly tls?: ServerCertificate & { readonly clientName?: string }
  /** Ports of an earlier run, for a receiver that comes back. */
  readonly ports?: Ports
}

const rsyslogd = '/usr/sbin/rsyslogd'
const syslogNgRoot = process.env.SYSLOG_NG_ROOT ?? '/opt/syslog-ng'

export async function startRsyslog(options: DaemonOptions): Promise<Daemon> {
  const ports = options.ports ?? (await freePorts())
  const output = join(options.directory, 'rsyslog.out')
  const { tcpPort, tlsPort, relpPort, relpTlsPort } = ports
  const listening = [tcpPort, relpPort, ...(options.tls === undefined ? [] : [tlsPort, relpTlsPort])]
  const daemon = await runRsyslog(rsyslogConfig(options, ports, output), options.directory, ...listening)
  return { ...ports, ...daemon, stored: () => storedIn(output) }
}

/** Resolves once it listens on all ports. */
export async function runRsyslog(
  config: string,
  directory: string,
  ...listening: readonly number[]
): Promise<DaemonProcess> {
  const file = join(directory, 'rsyslog.conf')
  writeFileSync(file, config)
  return startDaemon(rsyslogd, ['-n', '-f', file, '-i', join(directory, 'rsyslog.pid')], {}, listening)
}

/** Direct queue and no asynchronous writing: what it has read is in the file, so that a kill shows what delivery promised. */
function rsyslogConfig({ directory, tls }: DaemonOptions, ports: Ports, output: string): string {
  const globals =
    tls === undefined
      ? `global(workDirectory="${directory}")`
      : `global(workDirectory="${directory}" defaultNetstreamDriver="ossl" defaultNetstreamDriverCAFile="${tls.caFile}" defaultNetstreamDriverCertFile="${tls.certFile}" defaultNetstreamDriverKeyFile="${tls.keyFile}")`
  const auth =
    tls?.clientName === undefined
      ? 'streamdriver.authmode="anon"'
      : `streamdriver.authmode="x509/name" permittedpeer=["${tls.clientName}"]`
  const relpAuth = tls?.clientName === undefined ? '' : `tls.authmode="name" tls.permittedpeer=["${tls.clientName}"]`
  return [
    globals,
    'main_queue(queue.type="Direct")',
    'module(load="imudp")',
    'module(load="imtcp" maxsessions="500")',
    'module(load="imrelp" tls.tlslib="openssl")',
    'template(name="stored" type="string" string="%hostname%\\t%syslogtag%%msg%\\n")',
    `ruleset(name="store") { action(type="omfile" file="${output}" template="stored" asyncwriting="off" flushontxend="on") }`,
    `input(type="imudp" address="127.0.0.1" port="${ports.udpPort}" ruleset="store" rcvbufsize="8m")`,
    `input(type="imtcp" address="127.0.0.1" port="${ports.tcpPort}" ruleset="store")`,
    `input(type="imrelp" address="127.0.0.1" port="${ports.relpPort}" ruleset="store")`,
    ...(tls === undefined
      ? []
      : [
          `input(type="imrelp" address="127.0.0.1" port="${ports.relpTlsPort}" ruleset="store" tls="on" tls.cacert="${tls.caFile}" tls.mycert="${tls.certFile}" tls.myprivkey="${tls.keyFile}" ${relpAuth})`,
          `input(type="imtcp" address="127.0.0.1" port="${ports.tlsPort}" ruleset="store" streamdriver.name="ossl" streamdriver.mode="1" ${auth})`,
        ]),
    '',
  ].join('\n')
}

export async function startSyslogNg(options: DaemonOptions): Promise<Daemon> {
  const ports = options.ports ?? (await freePorts())
  const output = join(options.directory, 'syslog-ng.out')
  const listening = [ports.tcpPort, ...(options.tls === undefined ? [] : [ports.tlsPort])]
  const daemon = await runSyslogNg(syslogNgConfig(options, ports, output), options.directory, ...listening)
  return { ...ports, ...daemon, stored: () => storedIn(output) }
}

/** Resolves once it listens on all ports. */
export async function runSyslogNg(
  config: string,
  directory: string,
  ...listening: readonly number[]
): Promise<DaemonProcess> {
  const file = join(directory, 'syslog-ng.conf')
  writeFileSync(file, config)
  const libraries = join(syslogNgRoot, 'usr/lib/syslog-ng')
  const places = { '-f': file, '-p': 'ng.pid', '-R': 'ng.persist', '-c': 'ng.ctl' }
  const args = Object.entries(places).flatMap(([flag, place]) => [flag, join(directory, basename(place))])
  return startDaemon(
    join(syslogNgRoot, 'usr/sbin/syslog-ng'),
    ['-F', '--no-caps', ...args, `--module-path=${join(libraries, '3.38')}`],
    { LD_LIBRARY_PATH: libraries },
    listening,
  )
}

function syslogNgConfig({ octetCounting, tls }: DaemonOptions, ports: Ports, output: string): string {
  const stream = octetCounting === true ? 'syslog' : 'network'
  const secure =
    tls === undefined
      ? ''
      : `source tls { syslog(transport("tls") ip("127.0.0.1") port(${ports.tlsPort}) max-connections(100) log-msg-size(65536) flags(no-parse) tls(key-file("${tls.keyFile}") cert-file("${tls.certFile}") ca-file("${tls.caFile}") peer-verify(${tls.clientName === undefined ? 'optional-untrusted' : 'required-trusted'}))); };`
  // network() parses the header itself; syslog() expects RFC 5424 after the frame, so the header is parsed as RFC 3164 there.
  const parsed = 'parser head { syslog-parser(); };'
  return [
    '@version: 3.38',
    'options { keep-hostname(yes); stats-freq(0); };',
    parsed,
    `source udp { network(transport("udp") ip("127.0.0.1") port(${ports.udpPort}) log-msg-size(65536) so-rcvbuf(8388608)); };`,
    `source tcp { ${stream}(transport("tcp") ip("127.0.0.1") port(${ports.tcpPort}) max-connections(100) log-msg-size(65536)${stream === 'syslog' ? ' flags(no-parse)' : ''}); };`,
    secure,
    `destination out { file("${output}" template("$HOST\\t$MSGHDR$MSG\\n")); };`,
    'log { source(udp); destination(out); };',
    stream === 'syslog'
      ? 'log { source(tcp); parser(head); destination(out); };'
      : 'log { source(tcp); destination(out); };',
    tls === undefined ? '' : 'log { source(tls); parser(head); destination(out); };',
    '',
  ].join('\n')
}

type Ports = Pick<Daemon, 'udpPort' | 'tcpPort' | 'tlsPort' | 'relpPort' | 'relpTlsPort'>

async function startDaemon(
  path: string,
  args: readonly string[],
  env: Record<string, string>,
  listening: readonly number[],
): Promise<DaemonProcess> {
  if (!existsSync(path)) throw new Error(`${path} is not there: run scripts/receivers.sh first`)
  const child: ChildProcess = spawn(path, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env.PATH ?? '', ...env },
  })
  let said = ''
  for (const stream of [child.stdout, child.stderr])
    stream?.on('data', (chunk) => (said = (said + String(chunk)).slice(-4_000)))
  const exited = once(child, 'exit')
  const failed = exited.then(([code]) => Promise.reject(new Error(`${path} ended with ${code}: ${said}`)))
  failed.catch(() => undefined)
  await Promise.race([Promise.all(listening.map(accepts)), failed])
  const kill = async (signal: NodeJS.Signals): Promise<void> => {
    child.kill(signal)
    await exited
  }
  return {
    kill,
    [Symbol.asyncDispose]: () =>
      child.exitCode === null && child.signalCode === null ? kill('SIGKILL') : Promise.resolve(),
  }
}

function storedIn(output: string): readonly Stored[] {
  if (!existsSync(output)) return []
  return readFileSync(output, 'utf8')
    .split('\n')
    .slice(0, -1)
    .map((line) => {
      const tab = line.indexOf('\t')
      return { host: line.slice(0, tab), message: line.slice(tab + 1) }
    })
}

/** Resolves once the port takes a connection. */
async function accepts(port: number): Promise<void> {
  for (;;) {
    const socket = connect({ port, host: '127.0.0.1' })
    const connected = await new Promise<boolean>((resolve) => {
      socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
    })
    socket.destroy()
    if (connected) return
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

async function freePorts(): Promise<Ports> {
  const ports = await Promise.all(Array.from({ length: 5 }, freePort))
  const [udpPort = 0, tcpPort = 0, tlsPort = 0, relpPort = 0, relpTlsPort = 0] = ports
  return { udpPort, tcpPort, tlsPort, relpPort, relpTlsPort }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  return typeof address === 'object' && address !== null ? address.port : 0
}
