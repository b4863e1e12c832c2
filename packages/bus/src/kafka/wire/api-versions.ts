/** What a broker speaks. Asked first on every connection, and compared with what the relay speaks. */
import { RelayError } from '@siem-relay/common'
import { check } from './error-codes.ts'
import type { KafkaRequest } from './request.ts'

export type ApiVersions = Readonly<Record<number, { readonly minVersion: number; readonly maxVersion: number }>>

/** ApiVersions v0. */
export const apiVersionsRequest: KafkaRequest<ApiVersions> = {
  name: 'ApiVersions',
  apiKey: 18,
  apiVersion: 0,
  write: () => undefined,
  read: (reader) => {
    check(reader.int16(), 'asking which versions the broker speaks')
    const versions: Record<number, { minVersion: number; maxVersion: number }> = {}
    reader.array(() => {
      versions[reader.int16()] = { minVersion: reader.int16(), maxVersion: reader.int16() }
    })
    return versions
  },
}

export function isSpoken(versions: ApiVersions, apiKey: number, apiVersion: number): boolean {
  const range = versions[apiKey]
  return range !== undefined && apiVersion >= range.minVersion && apiVersion <= range.maxVersion
}

/** Api key → name and the version used; the youngest of them came with Kafka 2.7. */
const used: readonly (readonly [number, string, number])[] = [
  [0, 'Produce', 7],
  [1, 'Fetch', 11],
  [2, 'ListOffsets', 2],
  [3, 'Metadata', 5],
  [9, 'OffsetFetch', 7],
  [10, 'FindCoordinator', 1],
  [11, 'JoinGroup', 4],
  [12, 'Heartbeat', 1],
  [13, 'LeaveGroup', 1],
  [14, 'SyncGroup', 1],
  [22, 'InitProducerId', 4],
  [24, 'AddPartitionsToTxn', 1],
  [25, 'AddOffsetsToTxn', 1],
  [26, 'EndTxn', 1],
  [28, 'TxnOffsetCommit', 2],
]

/** @throws {RelayError} `RELAY_BUS_VERSION` when the broker is too old, or so new that it dropped a version. */
export function checkVersions(versions: ApiVersions, broker: string): void {
  const missing = used.filter(([key, , version]) => !isSpoken(versions, key, version))
  if (missing.length === 0) return
  throw new RelayError(
    'RELAY_BUS_VERSION',
    `${broker} does not speak ${missing.map(([, name, version]) => `${name} v${version}`).join(', ')}: the relay needs Apache Kafka 2.7 to 4.x, or what is compatible with it`,
  )
}
