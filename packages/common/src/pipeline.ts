/** normalise → filter → encode for one agent, as one pure function: the formatter's loop, `siem-relay preview` and the portal's
 *  preview all call it. De-duplication stands between filter and encode and is passed in, since it needs state. */
import { type AgentDefinition, formatOf, wants } from './agent.ts'
import { type CefLine, createCefProfile } from './cef/profile.ts'
import { discoveryJson } from './discovery/json.ts'
import { describeError, dispositionOf, type ErrorCode, RelayError } from './errors.ts'
import type { EventKind, RelayEvent } from './events.ts'
import { type CompiledFilter, compileFilter } from './filter/compile.ts'
import { type NormalizeInput, normalize } from './normalize/normalize.ts'
import { sentinelLine } from './sentinel/row.ts'
import { rawKindOf } from './topics.ts'

/** A record with the part of its envelope that formatting needs. */
export interface PipelineInput extends NormalizeInput {
  /** Origin of links into Microsoft's portal. */
  readonly portalUrl: string
  /** When the relay received it, for records without a time of their own. */
  readonly receivedMs: number
  /** Of an alert that comes in versions: this one. */
  readonly version?: string | undefined
}

export type Outcome =
  | {
      readonly outcome: 'message'
      readonly event: RelayEvent
      readonly line: string
      readonly severity: number
      readonly eventTimeMs: number
      readonly shortenedFields: number
      readonly filterFailed: boolean
      /** The columns a row of Sentinel was held to. */
      readonly rowSchema?: string | undefined
    }
  | { readonly outcome: 'discard'; readonly reason: 'filter' | 'repeat' | 'disabled' }
  | { readonly outcome: 'dead-letter'; readonly code: ErrorCode; readonly reason: string }

/** Says whether an event was seen before; called once per event that passed the filter. */
export type IsRepeat = (event: RelayEvent) => boolean

export type Pipeline = (input: PipelineInput, isRepeat: IsRepeat) => Outcome

export interface PipelineOptions {
  readonly defaultVersion: string
  /** Most bytes the CEF line may take: the destination's limit less its header. */
  readonly bytesMax: number
  /** Only for filters relative to now (`gte_ndays`). */
  readonly nowMs: () => number
}

/**
 * @throws {RelayError} `RELAY_CONFIG_INVALID` for a filter that does not compile.
 */
export function createPipeline(agent: AgentDefinition, options: PipelineOptions): Pipeline {
  const encode = encoderOf(agent, options)
  const filterFor = <K extends EventKind>(kind: K): CompiledFilter | undefined => {
    const name = rawKindOf[kind]
    return wants(agent, name) ? compileFilter(kind, agent[name].filter) : undefined
  }
  const filters: Readonly<Record<EventKind, CompiledFilter | undefined>> = {
    alert: filterFor('alert'),
    activity: filterFor('activity'),
    discovery: filterFor('discovery'),
  }
  return (input, isRepeat) => {
    const filter = filters[input.kind]
    if (filter === undefined) return { outcome: 'discard', reason: 'disabled' }
    let filterFailed = false
    try {
      const event = normalize(input)
      try {
        if (!filter.matches(event, options.nowMs())) return { outcome: 'discard', reason: 'filter' }
      } catch {
        // A security feed fails open: better one line too many than an attack not seen. Counted by the caller.
        filterFailed = true
      }
      if (isRepeat(event)) return { outcome: 'discard', reason: 'repeat' }
      const { line, severity, shortenedFields, rowSchema } = encode(event, input)
      return {
        outcome: 'message',
        event,
        line,
        severity,
        eventTimeMs: event.timestampMs ?? input.receivedMs,
        shortenedFields,
        filterFailed,
        rowSchema,
      }
    } catch (error) {
      if (dispositionOf(error) === 'dead-letter') return deadLetter(error)
      throw error
    }
  }
}

type Encode = (event: RelayEvent, input: PipelineInput) => CefLine & { readonly rowSchema?: string | undefined }

function encoderOf(agent: AgentDefinition, { defaultVersion, bytesMax }: PipelineOptions): Encode {
  if (formatOf(agent) === 'sentinel') {
    const own = {
      device: { ...agent.device, version: agent.device.version ?? defaultVersion },
      alertTypes: new Map(Object.entries(agent.alertTypes)),
      appIds: new Map(Object.entries(agent.appIds)),
    }
    return (event, { portalUrl, receivedMs, version }) => ({
      ...sentinelLine(event, { ...own, portalUrl, receivedMs, version }, bytesMax),
      severity: 0,
    })
  }
  const cef = createCefProfile({ agent, defaultVersion, bytesMax })
  if (agent.discovery.output === 'cef') return (event, { portalUrl }) => cef(event, portalUrl)
  return (event, { portalUrl }) =>
    event.kind === 'discovery' ? { ...discoveryJson(event, bytesMax), severity: 0 } : cef(event, portalUrl)
}

function deadLetter(error: unknown): Outcome {
  return {
    outcome: 'dead-letter',
    code: error instanceof RelayError ? error.code : 'RELAY_RECORD_INVALID',
    reason: describeError(error),
  }
}
