/** TLS, SASL and rights against a real broker: what fits works, what does not says so at once and without a loop. */
import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { type KafkaBusOptions, openKafkaBus } from '@siem-relay/bus'
import type { TopicSpec } from '@siem-relay/common'
import { AclOperationTypes, AclPermissionTypes, AclResourceTypes, Kafka, logLevel, ResourcePatternTypes } from 'kafkajs'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { makeCertificates } from '../support/certificates.ts'
import { kafkaOptions } from '../support/kafka-bus.ts'
import { type SecureKafka, startSecureKafka } from '../support/kafka-container.ts'
import { temporaryDirectory } from '../support/relay.ts'

const topic: TopicSpec = { name: 'topic', partitions: 1, cleanup: 'delete', retentionMs: 86_400_000 }
const memory: TopicSpec = { name: 'memory', partitions: 1, cleanup: 'compact', retentionMs: 86_400_000 }
const prefix = 'relay.'

describe.skipIf(inject('kafka') === undefined)('a broker with TLS, SASL and rights', () => {
  let kafka: SecureKafka
  let ca: string
  const directory = temporaryDirectory()

  beforeAll(async () => {
    const { caFile, certFile, keyFile } = makeCertificates(directory.path)
    ca = readFileSync(caFile, 'utf8')
    const server = `${readFileSync(keyFile, 'utf8')}${readFileSync(certFile, 'utf8')}`
    kafka = await startSecureKafka(server)
    for (const user of ['relay', 'stranger']) await kafka.addScramUser(user, `${user}-secret`)
    await grant(kafka.openAddress, 'User:relay')
  })
  afterAll(async () => {
    await kafka?.[Symbol.asyncDispose]()
    directory[Symbol.dispose]()
  })

  const options = (
    sasl: NonNullable<KafkaBusOptions['sasl']>,
    more: Partial<KafkaBusOptions> = {},
  ): KafkaBusOptions => ({
    ...kafkaOptions([kafka.address], prefix),
    tls: { ca, rejectUnauthorized: true, servername: 'receiver.test' },
    sasl,
    ...more,
  })
  const scram = (username: string, password: string) => ({ mechanism: 'scram-sha-512', username, password }) as const

  async function works(given: KafkaBusOptions): Promise<void> {
    await using bus = await openKafkaBus(given)
    await bus.ensureTopics([topic])
    await using writer = await bus.writer('owner', memory)
    const key = randomUUID()
    await writer.commit({ records: [{ topic: topic.name, key, value: Buffer.from('v'), headers: {} }] })
    const keys: string[] = []
    for await (const record of bus.read(topic, 0, 0)) keys.push(record.key)
    expect(keys).toContain(key)
    // A group too: joining, offsets and transactions ask for rights of their own.
    const got: string[] = []
    const delivered = Promise.withResolvers<void>()
    await using _worker = bus.deliver({
      group: `group-${key}`,
      topics: [topic],
      batchRecordsMax: 100,
      batchBytesMax: 1_000_000,
      open: () => ({
        deliver: async (batch) => {
          got.push(...batch.map((record) => record.key))
          if (got.includes(key)) delivered.resolve()
        },
        revoked: () => undefined,
      }),
    })
    await delivered.promise
  }

  test('SCRAM over TLS: everything works with rights on the prefix alone', () =>
    works(options(scram('relay', 'relay-secret'))))

  test('PLAIN over TLS works', () => works(options({ mechanism: 'plain', username: 'relay', password: 'relay-plain' })))

  test('OAUTHBEARER over TLS works, with a token for every connection', async () => {
    let tokens = 0
    const token = async (): Promise<string> => {
      tokens++
      return unsecuredToken('relay')
    }
    await works(options({ mechanism: 'oauthbearer', token }))
    expect(tokens).toBeGreaterThan(1)
  })

  test('a wrong password is told at once, and what to check', async () => {
    await expect(openKafkaBus(options(scram('relay', 'wrong')))).rejects.toMatchObject({
      code: 'RELAY_BUS_AUTH',
      nextMove: expect.stringMatching(/bus\.sasl/),
    })
  })

  test('a wrong authority is told at once, and what to check', async () => {
    const refused = openKafkaBus(
      options(scram('relay', 'relay-secret'), { tls: { rejectUnauthorized: true, servername: 'receiver.test' } }),
    )
    await expect(refused).rejects.toMatchObject({
      code: 'RELAY_BUS_TLS',
      message: expect.stringMatching(/certificate|self-signed/),
      nextMove: expect.stringMatching(/caFile/),
    })
  })

  test('a wrong name in the certificate is told at once', async () => {
    const tls = { ca, rejectUnauthorized: true, servername: 'other.test' }
    await expect(openKafkaBus(options(scram('relay', 'relay-secret'), { tls }))).rejects.toMatchObject({
      code: 'RELAY_BUS_TLS',
      message: expect.stringMatching(/other\.test/),
    })
  })

  test('TLS to a port without it is told at once', async () => {
    const plain = { ...options(scram('relay', 'relay-secret')), brokers: [kafka.openAddress] }
    await expect(openKafkaBus(plain)).rejects.toMatchObject({
      code: 'RELAY_BUS_TLS',
      nextMove: expect.stringMatching(/the port speaks TLS/),
    })
  })

  test('missing rights name what is missing', async () => {
    const refused = openKafkaBus(options(scram('stranger', 'stranger-secret')))
    await expect(refused).rejects.toMatchObject({
      code: 'RELAY_BUS_RIGHTS',
      message: expect.stringMatching(/relay\.dead-letters.*topics: Describe, Read, Write and Create/),
    })
  })

  test('no broker at all: waited for, until told to stop, with the address that does not answer', async () => {
    const nobody = { ...options(scram('relay', 'relay-secret')), brokers: ['127.0.0.1:1'] }
    const refused = openKafkaBus(nobody, AbortSignal.timeout(2_500))
    await expect(refused).rejects.toMatchObject({
      code: 'RELAY_BUS_UNREACHABLE',
      cause: { message: expect.stringMatching(/127\.0\.0\.1:1/) },
    })
  })
})

/** An unsecured JWS (RFC 7515 appendix A.5), which a broker without a key set accepts. */
function unsecuredToken(subject: string): string {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')
  const nowSeconds = Math.floor(Date.now() / 1_000)
  return `${part({ alg: 'none' })}.${part({ sub: subject, iat: nowSeconds - 5, exp: nowSeconds + 3_600 })}.`
}

/** The rights docs/operating/kafka.md asks for. */
async function grant(address: string, principal: string): Promise<void> {
  const admin = new Kafka({ brokers: [address], logLevel: logLevel.NOTHING }).admin()
  await admin.connect()
  const on = (resourceType: AclResourceTypes, resourceName: string, ...operations: readonly AclOperationTypes[]) =>
    operations.map((operation) => ({
      principal,
      host: '*',
      resourceType,
      resourceName,
      resourcePatternType:
        resourceType === AclResourceTypes.CLUSTER ? ResourcePatternTypes.LITERAL : ResourcePatternTypes.PREFIXED,
      operation,
      permissionType: AclPermissionTypes.ALLOW,
    }))
  const { ALL, DESCRIBE, WRITE, READ, DELETE } = AclOperationTypes
  await admin.createAcls({
    acl: [
      ...on(AclResourceTypes.TOPIC, prefix, ALL),
      ...on(AclResourceTypes.GROUP, prefix, READ, DESCRIBE, DELETE),
      ...on(AclResourceTypes.TRANSACTIONAL_ID, prefix, DESCRIBE, WRITE),
    ],
  })
  await admin.disconnect()
}
