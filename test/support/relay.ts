/** The relay in this process, as the app composes it, on a fresh log in a temporary directory. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type LogEntry, memoryLogger } from '@siem-relay/service-kit/testing'
import { type Relay, serviceNames, startRelay } from '../../app/src/all-in-one.ts'
import { relayConfigSchema } from '../../app/src/config/schema.ts'

export interface TemporaryDirectory extends Disposable {
  readonly path: string
}

export function temporaryDirectory(): TemporaryDirectory {
  const path = mkdtempSync(join(tmpdir(), 'siem-relay-'))
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) }
}

/** @param config as in siem-relay.yaml; the log's place and the admin port are set here. */
export async function startTestRelay(
  directory: string,
  config: object,
): Promise<Relay & { readonly entries: readonly LogEntry[] }> {
  const { log, entries } = memoryLogger()
  const relay = await startRelay({
    config: relayConfigSchema.parse({
      bus: { path: directory, freeBytesMin: 1_048_576 },
      admin: { listen: '127.0.0.1:0' },
      portal: { listen: '127.0.0.1:0' },
      ...config,
    }),
    services: serviceNames,
    log,
    stdout: process.stdout,
    env: {},
  })
  return Object.assign(relay, { entries })
}
