/** What becomes of messages: rows become records, wait for the rest of their alert, or are left out with a reason. Pure but for
 *  its memory, which is committed step by step together with the records and the place in the log that follows them. */
import type { ForeignBatch, ForeignRecord, Headers, NewRecord, State, StateChange } from '@siem-relay/bus'
import {
  cloudAppEventId,
  deadLettersTopic,
  describeError,
  letterHeaders,
  type RawKind,
  type RecordShape,
  rawHeaders,
  rawTopic,
  SeenIds,
  splitHuntingRows,
} from '@siem-relay/common'
import { AlertJoin } from './alert-join.ts'
import { type DefenderStreamingSourceConfig, type Table, tables } from './config.ts'
import { Positions } from './positions.ts'

type RowResult = 'taken' | 'repeated' | 'unwanted' | 'dead_lettered'

/** Commits as one; the next step is made when this one is durable. */
export interface Step {
  readonly records: readonly NewRecord[]
  readonly state: readonly StateChange[]
  readonly rows: readonly { readonly table: Table | 'other'; readonly result: RowResult }[]
  readonly received: Readonly<Record<'alerts' | 'activities', number>>
}

/** Small transactions: an open one holds back the readers of its topics. */
const stepRecordsMax = 500
const stepBytesMax = 1_048_576
/** A producer's retries come within seconds; Microsoft's own repeats, as far as known, within hours. */
const activityIdsMax = 150_000
const activityIdsKeptMs = 86_400_000
const alertIdsMax = 50_000
const alertIdsKeptMs = 7 * 86_400_000
/** Ids become keys of the log; longer ones are no ids. */
const idCharactersMax = 1_024
const reasonCharactersMax = 500

export class Intake {
  readonly positions = new Positions()
  readonly #config: DefenderStreamingSourceConfig
  readonly #tenant: string
  readonly #wanted: ReadonlySet<string>
  readonly #join: AlertJoin
  readonly #activityIds = new SeenIds({ prefix: 'seen/activities/', idsMax: activityIdsMax })
  /** Alerts that left, where each comes once. */
  readonly #alertIds = new SeenIds({ prefix: 'seen/alerts/', idsMax: alertIdsMax })

  constructor(config: DefenderStreamingSourceConfig, tenant: string) {
    this.#config = config
    this.#tenant = tenant
    this.#wanted = new Set(config.tables)
    this.#join = new AlertJoin({
      settleMs: config.alertSettleSeconds * 1_000,
      waitMs: config.alertWaitSeconds * 1_000,
      isVersioned: config.alertUpdates === 'all',
    })
  }

  /** @throws {RelayError} `RELAY_LOG_CORRUPT` with disposition stop. */
  restore(state: State): void {
    this.positions.restore(state)
    this.#join.restore(state)
    this.#activityIds.restore(state)
    this.#alertIds.restore(state)
  }

  /** The steps of a batch. Messages before the expected offset are passed over: they were taken. */
  *take(batch: ForeignBatch, nowMs: number): Generator<Step, void> {
    const expected = this.positions.offsetOf(batch.topic, batch.partition) ?? 0
    const messages = batch.records.filter(({ offset }) => offset >= expected)
    for (let first = 0; first < messages.length; ) {
      const made = new StepMaker()
      let last = first
      for (
        let bytes = 0;
        last < messages.length && made.records.length < stepRecordsMax && bytes < stepBytesMax;
        last++
      ) {
        const message = messages[last] as ForeignRecord
        bytes += message.value.length
        this.#message(made, batch, message, nowMs)
      }
      const { offset, appendedMs } = messages[last - 1] as ForeignRecord
      const ids = this.#activityIds.addChunk(made.activityIds, nowMs, nowMs - activityIdsKeptMs)
      const place = this.positions.advance(batch, offset + 1, appendedMs)
      yield made.step([place, ...ids, ...this.#join.takeChanges()])
      this.#activityIds.commit()
      first = last
    }
  }

  /** The alerts whose time has come. */
  *settle(nowMs: number): Generator<Step, void> {
    const due = this.#join.takeDue(nowMs)
    if (due.length === 0) return
    const made = new StepMaker()
    for (const { id, body, version } of due) {
      const headers = this.#headers('alerts', 'xdr-alert', nowMs)
      made.take('alerts', {
        topic: rawTopic(this.#tenant, 'alerts').name,
        key: id,
        value: body,
        headers: version === undefined ? headers : { ...headers, [rawHeaders.version]: version },
      })
    }
    const gone = due.filter(({ version }) => version === undefined).map(({ id }) => id)
    const ids = this.#alertIds.addChunk(gone, nowMs, nowMs - alertIdsKeptMs)
    yield made.step([...ids, ...this.#join.takeChanges()])
    this.#alertIds.commit()
  }

  #message(made: StepMaker, batch: ForeignBatch, message: ForeignRecord, nowMs: number): void {
    let rows: ReturnType<typeof splitHuntingRows>
    try {
      rows = splitHuntingRows(message.value)
    } catch (error) {
      made.count('other', 'dead_lettered')
      made.records.push(this.#letter(batch, message, message.value, describeError(error)))
      return
    }
    for (const { table: name, bytes } of rows) {
      const table = tables.find((known) => known === name) ?? 'other'
      if (table === 'other' || !this.#wanted.has(table)) made.count(table, 'unwanted')
      else {
        const problem = this.#row(made, table, bytes, nowMs)
        if (problem === undefined) continue
        made.count(table, 'dead_lettered')
        made.records.push(this.#letter(batch, message, bytes ?? message.value, problem))
      }
    }
  }

  /** @returns what is wrong with the row. */
  #row(made: StepMaker, table: Table, bytes: Buffer | undefined, nowMs: number): string | undefined {
    if (bytes === undefined) return `a row of ${table} has no properties`
    const text = bytes.toString()
    const row = JSON.parse(text) as Readonly<Record<string, unknown>>
    if (table === 'CloudAppEvents') {
      const id = cloudAppEventId(row)
      if (id === undefined || id.length > idCharactersMax) return 'a row of CloudAppEvents has no usable ReportId'
      if (this.#activityIds.has(id) || made.hasActivity(id)) made.count(table, 'repeated')
      else {
        const topic = rawTopic(this.#tenant, 'activities').name
        made.takeActivity({
          topic,
          key: id,
          value: bytes,
          headers: this.#headers('activities', 'cloud-app-event', nowMs),
        })
        made.count(table, 'taken')
      }
      return undefined
    }
    const id = row.AlertId
    if (typeof id !== 'string' || id === '' || id.length > idCharactersMax)
      return `a row of ${table} has no usable AlertId`
    const isNew = !this.#alertIds.has(id) && this.#join.add(id, table, text, nowMs)
    made.count(table, isNew ? 'taken' : 'repeated')
    return undefined
  }

  #headers(kind: RawKind, shape: RecordShape, nowMs: number): Headers {
    return {
      [rawHeaders.source]: this.#config.id,
      [rawHeaders.tenant]: this.#tenant,
      [rawHeaders.kind]: kind,
      [rawHeaders.shape]: shape,
      [rawHeaders.receivedMs]: String(nowMs),
      [rawHeaders.portalUrl]: this.#config.portalUrl.replace(/\/+$/, ''),
    }
  }

  #letter({ topic, partition }: ForeignBatch, { offset }: ForeignRecord, value: Buffer, reason: string): NewRecord {
    return {
      topic: deadLettersTopic.name,
      key: `${this.#config.id}/${topic}/${partition}/${offset}`,
      value,
      headers: {
        [letterHeaders.stage]: `collector/${this.#config.id}`,
        [letterHeaders.code]: 'RELAY_RECORD_INVALID',
        [letterHeaders.reason]: reason.slice(0, reasonCharactersMax),
        [letterHeaders.attempts]: '1',
        [letterHeaders.topic]: topic,
        [letterHeaders.partition]: String(partition),
        [letterHeaders.offset]: String(offset),
      },
    }
  }
}

/** A step in the making. */
class StepMaker {
  readonly records: NewRecord[] = []
  readonly #rows: Step['rows'][number][] = []
  readonly #received = { alerts: 0, activities: 0 }
  readonly #activityIds = new Set<string>()

  get activityIds(): readonly string[] {
    return [...this.#activityIds]
  }

  hasActivity(id: string): boolean {
    return this.#activityIds.has(id)
  }

  takeActivity(record: NewRecord): void {
    this.#activityIds.add(record.key)
    this.take('activities', record)
  }

  take(kind: 'alerts' | 'activities', record: NewRecord): void {
    this.#received[kind]++
    this.records.push(record)
  }

  count(table: Table | 'other', result: RowResult): void {
    this.#rows.push({ table, result })
  }

  step(state: readonly StateChange[]): Step {
    return { records: this.records, state, rows: this.#rows, received: this.#received }
  }
}
