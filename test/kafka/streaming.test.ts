/** Defender XDR's streaming tables through a real topic, as Event Hubs offers it: SASL PLAIN over TLS, rights to read alone. */
import { readFileSync } from 'node:fs'
import { type ForeignBatch, type ForeignLogOptions, openForeignLog } from '@siem-relay/bus'
import { parseCef } from '@siem-relay/common'
import { systemClock } from '@siem-relay/service-kit'
import { startSimulator } from '@siem-relay/simulator'
import kafkajs, {
  AclOperationTypes,
  AclPermissionTypes,
  AclResourceTypes,
  Kafka,
  logLevel,
  type Message,
  ResourcePatternTypes,
} from 'kafkajs'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { downloadByRest, downloadByStream } from '../../packages/common/src/normalize/fixtures/activity-pair.ts'
import { message } from '../../services/collector/src/testing/fake-foreign-log.ts'
import { embeddedLog, idOf, inspect } from '../faults/ledger.ts'
import { makeCertificates } from '../support/certificates.ts'
import { type SecureKafka, startSecureKafka } from '../support/kafka-container.ts'
import { startRelayProcess } from '../support/process.ts'
import { type Receiver, tcpReceiver } from '../support/receivers.ts'
import { temporaryDirectory } from '../support/relay.ts'

/** Each test reads with a group of its own: members that were killed would keep the next one waiting. */
const groupOf = (topic: string): string => `relay-${topic}`
const token = 'f'.repeat(64)
const portalUrl = 'https://contoso.portal.cloudappsecurity.com'

describe.skipIf(inject('kafka') === undefined)('streaming tables from a Kafka endpoint', { timeout: 180_000 }, () => {
  let kafka: SecureKafka
  let files: ReturnType<typeof makeCertificates>
  const certificates = temporaryDirectory()

  beforeAll(async () => {
    files = makeCertificates(certificates.path)
    kafka = await startSecureKafka(`${readFileSync(files.keyFile, 'utf8')}${readFileSync(files.certFile, 'utf8')}`)
    await withAdmin(async (admin) => {
      const topics = ['pair', 'killed', 'expired', 'secret', 'packed'].map((topic) => ({ topic, numPartitions: 2 }))
      await admin.createTopics({ topics, waitForLeaders: true })
      const right = (resourceType: AclResourceTypes, resourceName: string, operation: AclOperationTypes) => ({
        principal: 'User:relay',
        host: '*',
        resourceType,
        resourceName,
        resourcePatternType: ResourcePatternTypes.LITERAL,
        operation,
        permissionType: AclPermissionTypes.ALLOW,
      })
      await admin.createAcls({
        acl: [
          ...['pair', 'killed', 'expired', 'packed'].map((topic) =>
            right(AclResourceTypes.GROUP, groupOf(topic), AclOperationTypes.READ),
          ),
          ...['pair', 'killed', 'expired', 'packed'].map((topic) =>
            right(AclResourceTypes.TOPIC, topic, AclOperationTypes.READ),
          ),
        ],
      })
    })
  })
  afterAll(async () => {
    await kafka?.[Symbol.asyncDispose]()
    certificates[Symbol.dispose]()
  })

  const open = (): Kafka => new Kafka({ brokers: [kafka.openAddress], logLevel: logLevel.NOTHING })

  async function withAdmin(work: (admin: ReturnType<Kafka['admin']>) => Promise<void>): Promise<void> {
    const admin = open().admin()
    await admin.connect()
    await work(admin)
    await admin.disconnect()
  }

  async function produce(topic: string, messages: readonly Message[], compression = kafkajs.CompressionTypes.None) {
    const producer = open().producer({ createPartitioner: kafkajs.Partitioners.DefaultPartitioner })
    await producer.connect()
    await producer.send({ topic, messages: [...messages], compression })
    await producer.disconnect()
  }

  /** Counts ids as messages come: the condition is asked after each of thousands. */
  function hasAll(count: number): (messages: readonly string[]) => boolean {
    const seen = new Set<string>()
    let read = 0
    return (messages) => {
      for (; read < messages.length; read++) seen.add(idOf(messages[read] as string))
      return seen.size === count
    }
  }

  const sourceOf = (topic: string, more: object = {}): object => ({
    id: 'contoso-xdr',
    tenant: 'contoso',
    type: 'defender-streaming',
    brokers: [kafka.address],
    topics: [topic],
    consumerGroup: groupOf(topic),
    tls: { caFile: files.caFile, serverName: 'receiver.test' },
    sasl: { username: 'relay', password: 'relay-plain' },
    portalUrl,
    alertSettleSeconds: 1,
    ...more,
  })
  const agentOf = (receiver: Receiver): object => ({
    id: 'soc',
    syslog: {
      host: '127.0.0.1',
      port: receiver.port,
      framing: 'octet-counting',
      checkpointMessages: 500,
      checkpointSeconds: 0.3,
    },
  })
  const optionsOf = (topic: string, more: Partial<ForeignLogOptions> = {}): ForeignLogOptions => ({
    brokers: [kafka.address],
    clientId: 'test',
    group: groupOf(topic),
    topics: [topic],
    tls: { ca: readFileSync(files.caFile, 'utf8'), rejectUnauthorized: true, servername: 'receiver.test' },
    sasl: { mechanism: 'plain', username: 'relay', password: 'relay-plain' },
    clock: systemClock,
    ...more,
  })

  test('an activity leaves as through REST, but for its id, the link made of it and its policies; an alert of its rows leaves once', async () => {
    using directory = temporaryDirectory()
    await using receiver = await tcpReceiver('octet-counting')
    const simulator = await startSimulator({ legacyToken: token, requestsPerMinute: Number.POSITIVE_INFINITY })
    await using _closing = { [Symbol.asyncDispose]: () => simulator.close() }
    simulator.store.addActivity(downloadByRest as never)
    const rest = {
      id: 'contoso-rest',
      tenant: 'contoso',
      type: 'defender-for-cloud-apps',
      url: simulator.url,
      portalUrl,
      auth: { type: 'token', token },
      lookback: 'P3650D',
      requestsPerMinute: 100_000,
      pollSeconds: 1,
    }
    const alert = { AlertId: 'ca1', Title: 'Impossible travel activity', Severity: 'High' }
    await produce('pair', [
      { value: message(['CloudAppEvents', downloadByStream], ['DeviceEvents', {}]) },
      { value: message(['AlertEvidence', { AlertId: 'ca1', EntityType: 'User', AccountUpn: 'ann@contoso.com' }]) },
      { value: message(['CloudAppEvents', downloadByStream]) },
      { value: message(['AlertInfo', { ...alert, ServiceSource: 'Microsoft Defender for Cloud Apps' }]) },
    ])
    const relay = await startRelayProcess(directory.path, {
      sources: [rest, sourceOf('pair')],
      agents: [agentOf(receiver)],
    })
    await receiver.until((messages) => messages.length >= 3)
    expect(await relay.kill('SIGTERM')).toBe(0)

    expect(receiver.messages.map(idOf).toSorted()).toEqual(
      [downloadByRest._id, 'ca1', downloadByStream.ReportId].toSorted(),
    )
    const lineOf = (id: string) => {
      const text = receiver.messages.find((each) => idOf(each) === id) ?? ''
      return parseCef(text.slice(text.indexOf('CEF:')))
    }
    const [byRest, byStream] = [lineOf(downloadByRest._id), lineOf(downloadByStream.ReportId)]
    expect([byStream.signatureId, byStream.name, byStream.severity]).toEqual([
      byRest.signatureId,
      byRest.name,
      byRest.severity,
    ])
    const differing = [...byRest.extension.keys()].filter(
      (key) => byRest.extension.get(key) !== byStream.extension.get(key),
    )
    expect(differing.toSorted()).toEqual(['cs1', 'cs4', 'externalId'])
    expect(lineOf('ca1').extension.get('suser')).toBe('ann@contoso.com')
  })

  test('kill -9 in the middle, twice, and a restart: every row is in the log once, whatever the compression', async () => {
    using directory = temporaryDirectory()
    await using receiver = await tcpReceiver('octet-counting')
    const config = { sources: [sourceOf('killed', { start: 'earliest' })], agents: [agentOf(receiver)] }
    const ids: string[] = []
    const add = async (compression: number): Promise<void> => {
      const messages = Array.from({ length: 100 }, () => {
        const rows = Array.from({ length: 20 }, () => {
          const id = `row-${ids.length}`
          ids.push(id)
          return ['CloudAppEvents', { ...downloadByStream, ReportId: id }] as const
        })
        return { value: message(...rows) }
      })
      for (let first = 0; first < messages.length; first += 10)
        await produce('killed', messages.slice(first, first + 10), compression)
    }
    await add(kafkajs.CompressionTypes.GZIP)
    for (let kills = 0; kills < 2; kills++) {
      const before = receiver.messages.length
      const relay = await startRelayProcess(directory.path, config)
      await receiver.until((messages) => messages.length >= before + 300)
      await relay.kill('SIGKILL')
      await add(kafkajs.CompressionTypes.None)
    }
    const relay = await startRelayProcess(directory.path, config)
    await receiver.until(hasAll(ids.length))
    expect(await relay.kill('SIGTERM')).toBe(0)
    const found = await inspect({
      open: embeddedLog(`${directory.path}/log`),
      tenant: 'contoso',
      agent: 'soc',
      sourceIds: ids,
      received: receiver.messages,
    })
    expect(found).toMatchObject({
      missingRaw: 0,
      repeatedRaw: 0,
      missingOut: 0,
      repeatedOut: 0,
      lost: 0,
      deadLetters: 0,
    })
  })

  /** Reads until the batch for which `isEnough` holds. */
  async function readUntil(
    options: ForeignLogOptions,
    position: number,
    isEnough: (batch: ForeignBatch) => boolean,
  ): Promise<readonly ForeignBatch[]> {
    const batches: ForeignBatch[] = []
    const stopping = new AbortController()
    const reading = openForeignLog(options).read(
      {
        position: () => position,
        assigned: () => undefined,
        take: async (batch) => {
          batches.push(batch)
          if (isEnough(batch)) stopping.abort(new Error('enough'))
        },
      },
      stopping.signal,
    )
    await expect(reading).rejects.toThrow('enough')
    return batches
  }

  test('reading begins where the reader says; where the log no longer has that, the batch says where it was fetched', async () => {
    const messages = Array.from({ length: 20 }, (_, n) => ({ partition: 0, value: `m${n}` }))
    await produce('expired', messages)
    const [first] = await readUntil(optionsOf('expired'), 5, () => true)
    expect(first).toMatchObject({ topic: 'expired', partition: 0, fetchedFrom: 5, end: 20 })
    expect(first?.records[0]?.value.toString()).toBe('m5')
    await withAdmin(async (admin) => {
      await admin.fetchTopicOffsets('expired')
      await admin.deleteTopicRecords({ topic: 'expired', partitions: [{ partition: 0, offset: '12' }] })
    })
    const [later] = await readUntil(optionsOf('expired'), 5, () => true)
    expect([later?.fetchedFrom, later?.records[0]?.offset]).toEqual([12, 12])
    const bounds = await openForeignLog(optionsOf('expired')).bounds(Date.now() + 60_000)
    expect(bounds.toSorted((a, b) => a.partition - b.partition)).toEqual([
      { topic: 'expired', partition: 0, start: 12, end: 20, at: 20 },
      { topic: 'expired', partition: 1, start: 0, end: 0, at: 0 },
    ])
  })

  test('messages of 1 MB come whole', async () => {
    const value = Buffer.alloc(1_000_000, 'x')
    await produce('packed', [{ partition: 0, value }])
    const [batch] = await readUntil(optionsOf('packed'), 0, () => true)
    expect(batch?.records[0]?.value.equals(value)).toBe(true)
  })

  test.each([
    [
      'a wrong password',
      'pair',
      () => ({ sasl: { mechanism: 'plain', username: 'relay', password: 'no' } as const }),
      'RELAY_SOURCE_AUTH',
    ],
    ['a topic without the right to read it', 'secret', () => ({}), 'RELAY_SOURCE_AUTH'],
    [
      'an authority that is not trusted',
      'pair',
      () => ({ tls: { rejectUnauthorized: true, servername: 'receiver.test' } }),
      'RELAY_SOURCE_UNAVAILABLE',
    ],
    ['nobody at the address', 'pair', () => ({ brokers: ['127.0.0.1:1'] }), 'RELAY_SOURCE_UNAVAILABLE'],
  ] as const)('%s is told with its code', async (_, topic, more, code) => {
    await expect(openForeignLog(optionsOf(topic, more())).bounds(undefined)).rejects.toMatchObject({ code })
  })

  test('a group without the right to read with it is told while reading', async () => {
    const reading = openForeignLog(optionsOf('pair', { group: 'other' })).read(
      { position: () => 0, assigned: () => undefined, take: async () => undefined },
      new AbortController().signal,
    )
    await expect(reading).rejects.toMatchObject({
      code: 'RELAY_SOURCE_UNAVAILABLE',
      message: expect.stringMatching(/may not read with this group/),
    })
  })
})
