/** `siem-relay run`: the relay until a signal. With a configuration the real thing; with the old agent's flags the same
 *  without a file; with neither the demo. */
import { randomUUID } from 'node:crypto'
import { isAbsolute, join } from 'node:path'
import { createLogger, type ReadFile, runProcess, systemClock } from '@siem-relay/service-kit'
import { type Relay, type ServiceName, serviceNames, startRelay } from '../all-in-one.ts'
import { findConfigFile, type LoadedRelayConfig, loadRelayConfig } from '../config/load.ts'
import { Reloading } from '../config/reload.ts'
import { createReloadMetrics } from '../config/reload-metrics.ts'
import type { RelayConfig } from '../config/schema.ts'
import { showRows } from '../demo/azure-rows.ts'
import { type DemoOutput, startDemo } from '../demo/demo.ts'
import { fitHeap } from '../portal-heap.ts'
import type { Terminal } from '../terminal.ts'
import { type AgentFlags, configOfFlags, hasAgentFlags } from './agent-flags.ts'

export interface RunOptions extends AgentFlags {
  readonly config?: string
  readonly service?: readonly ServiceName[]
  /** The demo, whatever configuration there is. */
  readonly demo?: DemoOutput
}

export async function run(options: RunOptions, terminal: Terminal): Promise<void> {
  const services = options.service ?? serviceNames
  const collectGarbage = fitHeap(services)
  const code = await runProcess({
    start: async ({ signal, useLog, useHangup }) => {
      await using starting = new AsyncDisposableStack()
      const setup = await prepare(options, terminal)
      if (setup.demo !== undefined) starting.use(setup.demo)
      const { config } = setup
      const log = createLogger({
        level: config.log.level,
        destination: terminal.stderr,
        service: 'siem-relay',
        instance: randomUUID(),
        ...(config.log.directory === undefined ? {} : { logsDirectory: config.log.directory }),
      })
      useLog(log)
      for (const warning of setup.warnings) log.warn(warning)
      const relay = await startRelay({
        config,
        services,
        log,
        stdout: terminal.stdout,
        env: terminal.env,
        signal,
      })
      collectGarbage()
      const reloading = setup.load === undefined ? undefined : reloadingOf(setup.load, setup, relay, log)
      if (reloading !== undefined) useHangup(() => reloading.reload())
      terminal.stderr.write(welcome(setup.name, relay, config))
      const rest = starting.move()
      return {
        failed: relay.failed,
        stop: async (drainMs) => {
          await reloading?.[Symbol.asyncDispose]()
          await relay.stop(drainMs)
          await rest.disposeAsync()
        },
        [Symbol.asyncDispose]: async () => {
          await reloading?.[Symbol.asyncDispose]()
          await relay[Symbol.asyncDispose]()
          await rest.disposeAsync()
        },
      }
    },
  })
  terminal.setExitCode(code)
}

interface Setup extends Pick<LoadedRelayConfig, 'config' | 'warnings'> {
  readonly name: string
  /** Loads the configuration anew; without it, it does not change while the relay runs. */
  readonly load?: (readFile?: ReadFile) => LoadedRelayConfig
  readonly demo?: AsyncDisposable
}

/** @throws {RelayError} what is wrong with the configuration or the flags. */
async function prepare(options: RunOptions, terminal: Terminal): Promise<Setup> {
  if (options.demo !== undefined) return prepareDemo(options.demo, options, terminal)
  const file = findConfigFile(options.config, terminal)
  if (hasAgentFlags(options)) {
    const { config, warnings } = configOfFlags(options, file, terminal)
    return { name: options.url ?? 'flags', config, warnings }
  }
  if (file !== undefined || hasSettings(terminal)) {
    const load = (readFile?: ReadFile): LoadedRelayConfig => {
      const loaded = loadRelayConfig(file, terminal, readFile)
      return { ...loaded, config: withDirectories(loaded.config, options, terminal) }
    }
    return { name: file ?? 'environment', ...load(), load }
  }
  return prepareDemo('cef', options, terminal)
}

async function prepareDemo(output: DemoOutput, options: RunOptions, terminal: Terminal): Promise<Setup> {
  const { SIEM_RELAY_ADMIN__LISTEN: adminListen, SIEM_RELAY_PORTAL__LISTEN: portalListen } = terminal.env
  const demo = await startDemo({
    // Each has its own log: agents that are gone would keep their messages.
    directory: options.data ?? join(terminal.cwd, 'data', output === 'cef' ? 'demo' : `demo-${output}`),
    output,
    nowMs: () => Date.now(),
    onStored: showRows(terminal),
    ...(adminListen === undefined ? {} : { adminListen }),
    ...(portalListen === undefined ? {} : { portalListen }),
  })
  return { name: output === 'cef' ? 'demo' : `demo ${output}`, config: demo.config, warnings: [], demo }
}

function reloadingOf(
  load: (readFile: ReadFile) => LoadedRelayConfig,
  { config, warnings }: Setup,
  relay: Relay,
  log: ReturnType<typeof createLogger>,
): Reloading {
  return new Reloading({
    loaded: { config, warnings },
    load,
    apply: (next) => relay.update(next),
    clock: systemClock,
    log,
    metrics: createReloadMetrics(relay.metrics),
  })
}

/** Whether the environment alone describes a relay: sources or agents; a port or a log level does not. */
function hasSettings(terminal: Terminal): boolean {
  return Object.keys(terminal.env).some((name) => /^SIEM_RELAY_(SOURCES|AGENTS)__/.test(name))
}

function withDirectories(config: RelayConfig, options: RunOptions, terminal: Terminal): RelayConfig {
  const path = options.data ?? config.bus.path
  return {
    ...config,
    bus: { ...config.bus, path: isAbsolute(path) ? path : join(terminal.cwd, path) },
    ...(config.portal.data === undefined || isAbsolute(config.portal.data)
      ? {}
      : { portal: { ...config.portal, data: join(terminal.cwd, config.portal.data) } }),
    log: { ...config.log, ...(options.logsDirectory === undefined ? {} : { directory: options.logsDirectory }) },
  }
}

const demoWelcomes: Readonly<Record<string, string>> = {
  demo: 'siem-relay demo: a simulated tenant is the source, its CEF lines follow. Give it your own with --config FILE.',
  'demo sentinel':
    'siem-relay demo: a simulated tenant is the source, and the rows that a simulated Microsoft Sentinel stored follow.',
}

function welcome(name: string, relay: Relay, config: RelayConfig): string {
  return [
    demoWelcomes[name] ??
      `siem-relay runs with ${name}: ${config.sources.length} sources, ${config.agents.filter((agent) => agent.enabled).length} agents.`,
    `Metrics: ${relay.adminUrl}/metrics   Ready: ${relay.adminUrl}/readyz   Log: ${logName(config)}   Ctrl-C stops.`,
    ...portalLines(relay),
    '',
  ].join('\n')
}

/** The link is a secret: it goes to the terminal, not into the log. */
function portalLines({ portal }: Relay): readonly string[] {
  if (portal === undefined) return []
  const { url, setUpLink } = portal
  if (setUpLink === undefined) return [`Portal: ${url}/`]
  return [`Portal: ${url}/   It has no account yet; make the first with this link, which works once:`, `  ${setUpLink}`]
}

function logName({ bus }: RelayConfig): string {
  return bus.type === 'kafka' ? `Kafka at ${bus.brokers?.join(', ')}` : bus.path
}
