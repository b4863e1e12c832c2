/** What the simulator's own tests share: a simulator with a token, and requests to it. */

import type { ActivityRecord, AlertRecord, RecordKind } from './data/records.ts'
import { type Simulator, type SimulatorOptions, startSimulator } from './simulator.ts'

export const legacyToken = 'a'.repeat(64)
export const authorized = { authorization: `Token ${legacyToken}` }
export const oauth = { tenantId: 'contoso-tenant', clientId: 'relay', clientSecret: 's3cret' }

/** A simulator without a request budget, unless one is given. */
export function startForTest(options: SimulatorOptions = {}): Promise<Simulator> {
  return startSimulator({ legacyToken, requestsPerMinute: Number.POSITIVE_INFINITY, ...options })
}

export interface Reply {
  readonly data: readonly (ActivityRecord & AlertRecord)[]
  readonly hasNext: boolean
  readonly total?: number
  readonly max?: number
  readonly moreThanTotal?: boolean
  readonly nextQueryFilters?: unknown
}

export function post(simulator: Simulator, kind: RecordKind, body: unknown = {}): Promise<Response> {
  const headers = { ...authorized, 'content-type': 'application/json' }
  return fetch(`${simulator.url}/api/v1/${kind}/`, { method: 'POST', headers, body: JSON.stringify(body) })
}

export async function list(simulator: Simulator, kind: RecordKind, body: unknown = {}): Promise<Reply> {
  const response = await post(simulator, kind, body)
  if (response.status !== 200) throw new Error(`${response.status}: ${await response.text()}`)
  return (await response.json()) as Reply
}

export async function listIds(simulator: Simulator, kind: RecordKind, body: unknown = {}): Promise<readonly string[]> {
  return (await list(simulator, kind, body)).data.map((record) => record._id)
}

export function activity(id: string, timestamp: number, fields: Partial<ActivityRecord> = {}): ActivityRecord {
  return { _id: id, timestamp, created: timestamp, ...fields }
}

export function alert(id: string, timestamp: number, fields: Partial<AlertRecord> = {}): AlertRecord {
  return { _id: id, timestamp, ...fields }
}
