/** The portal as a service, on a log and a directory of its own, listening on any free port. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openSqliteBus, type SqliteBus } from '@siem-relay/bus'
import { type AgentDefinition, agentSchema } from '@siem-relay/common'
import { LocalControl } from '@siem-relay/control'
import { systemClock } from '@siem-relay/service-kit'
import { type TestWorld, testWorld } from '@siem-relay/service-kit/testing'
import { portalSchema } from '../config.ts'
import type { Limits } from '../server/limits.ts'
import { type RunningPortal, start } from '../start.ts'

export interface TestPortal extends AsyncDisposable {
  readonly portal: RunningPortal
  readonly world: TestWorld
  readonly bus: SqliteBus
  readonly directory: string
  /** Another portal on the same log, as of another process. */
  another(config?: object): Promise<RunningPortal>
}

export interface TestPortalOptions {
  readonly config?: object
  readonly fileAgents?: readonly object[]
  readonly limits?: Partial<Limits>
}

export async function startTestPortal({
  config = {},
  fileAgents = [],
  limits = {},
}: TestPortalOptions = {}): Promise<TestPortal> {
  await using starting = new AsyncDisposableStack()
  const directory = mkdtempSync(join(tmpdir(), 'siem-relay-portal-'))
  starting.defer(() => rmSync(directory, { recursive: true, force: true }))
  const bus = starting.use(
    await openSqliteBus({ path: join(directory, 'log'), clock: systemClock, freeBytesMin: 1_000_000 }),
  )
  const world = testWorld({ bus })
  const agents: readonly AgentDefinition[] = fileAgents.map((agent) => agentSchema.parse(agent))
  const sources = [{ id: 'contoso', type: 'defender-for-cloud-apps' }]
  const startIn = (name: string, wanted: object): Promise<RunningPortal> => {
    const parsed = portalSchema.parse({ listen: '127.0.0.1:0', ...wanted })
    const settings = { ...parsed, data: join(directory, name) }
    const parts = {
      control: new LocalControl({
        bus,
        clock: systemClock,
        config: () => ({ agents, sources }),
        version: '0.0.0-test',
        hostName: 'relay-host',
      }),
      fileAgents: () => agents,
      sources: () => sources,
      version: '0.0.0-test',
      env: {},
    }
    return start(settings, world, parts, { limits })
  }
  const portal = starting.use(await startIn('portal', config))
  const closing = starting.move()
  return {
    portal,
    world,
    bus,
    directory,
    another: async (more = config) => closing.use(await startIn('another', more)),
    [Symbol.asyncDispose]: () => closing.disposeAsync(),
  }
}
