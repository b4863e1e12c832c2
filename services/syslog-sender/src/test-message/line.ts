/** The one line of a test message: framed by the encoder that frames an agent's own messages. */
import { type AgentDefinition, cefField, cefPrefix, encodeCef, formatOf, outHeaders } from '@siem-relay/common'
import type { World } from '@siem-relay/service-kit'
import { encoderOf } from '../agent-sender.ts'
import { encodeSegment } from '../encoder.ts'
import type { Feed, Segment } from '../segment.ts'

export interface TestLine {
  /** Header and message, without framing. */
  readonly text: string
  readonly segment: Segment
}

const words = 'Test message from siem-relay. It is no alert.'
const lineBytesMax = 400

/** Nobody waits for its acknowledgement. */
const nobody: Feed = { acknowledger: { acknowledge() {}, deadLetter() {} }, revoked: false }

/** @throws {RelayError} what an agent's message of this form would be refused with. */
export function testLine(agent: AgentDefinition, world: Pick<World, 'hostName' | 'clock'>, version: string): TestLine {
  const nowMs = world.clock.nowMs()
  const isRow = formatOf(agent) === 'sentinel'
  const record = {
    topic: 'test-message',
    partition: 0,
    offset: 0,
    key: 'test-message',
    appendedMs: nowMs,
    value: Buffer.from(isRow ? rowOf(nowMs) : cefOf(agent, nowMs, version)),
    headers: {
      [outHeaders.eventTimeMs]: String(nowMs),
      [outHeaders.severity]: '0',
      [outHeaders.kind]: isRow ? 'discovery' : 'alert',
    },
  }
  const encoder = encoderOf(agent, world)
  const { segment, refused } = encodeSegment(encoder, nobody, [record], 0, { bytesMax: 65_536, messagesMax: 1 })
  if (refused !== undefined) throw refused.error
  if (segment === undefined) throw new TypeError('one record gives one segment or a refusal')
  return { text: encoder.header(nowMs, 0) + record.value.toString(), segment }
}

function cefOf({ device }: AgentDefinition, nowMs: number, version: string): string {
  return encodeCef(
    {
      prefix: cefPrefix({ ...device, version: device.version ?? version }),
      signatureId: 'SIEM_RELAY_TEST',
      name: 'Test message',
      severity: 0,
      fields: [cefField('externalId'), cefField('rt'), cefField('msg')],
      values: [`test-${nowMs}`, String(nowMs), words],
    },
    lineBytesMax,
  ).line
}

function rowOf(nowMs: number): string {
  return JSON.stringify({ TimeGenerated: new Date(nowMs).toISOString(), Type: 'SiemRelayTest', Message: words })
}
