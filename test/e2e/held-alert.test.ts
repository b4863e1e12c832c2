import { createScenario, startSimulator } from '@siem-relay/simulator'
import { expect, test, vi } from 'vitest'
import { tcpReceiver } from '../support/receivers.ts'
import { startTestRelay, temporaryDirectory } from '../support/relay.ts'

const token = 'f'.repeat(64)

test('an alert that waits for its twin leaves when its grace is over, once, also across a restart', async () => {
  using directory = temporaryDirectory()
  await using simulator = await startSimulator({ legacyToken: token, requestsPerMinute: Number.POSITIVE_INFINITY })
  await using receiver = await tcpReceiver('lf')
  const config = {
    sources: [
      {
        id: 'contoso',
        type: 'defender-for-cloud-apps',
        url: simulator.url,
        auth: { type: 'token', token },
        requestsPerMinute: 1_000,
        pollSeconds: 1,
      },
    ],
    agents: [
      {
        id: 'siem',
        syslog: { host: '127.0.0.1', port: receiver.port, protocol: 'tcp' },
        dedup: { policy: 'prefer-identity', graceMinutes: 0.1 },
      },
    ],
  }
  const publish = (seed: number): string => {
    const one = { startMs: Date.now(), pairs: 1, nearMisses: 0, singles: 0, updates: 0, others: 0 }
    const copy = createScenario(seed, one).find(({ api }) => api === 'defender')
    const id = copy?.id ?? ''
    simulator.store.addAlert({ ...copy?.body, _id: id, timestamp: Date.now() })
    return id
  }
  const first = await startTestRelay(directory.path, config)
  const ids = [publish(1)]
  await receiver.until((messages) => messages.length === 1)
  ids.push(publish(2))
  await vi.waitFor(
    async () => {
      const received = await first.metrics.getSingleMetric('siem_relay_records_received_total')?.get()
      expect(received?.values.find(({ labels }) => labels.kind === 'alerts')?.value).toBe(2)
    },
    { timeout: 20_000 },
  )
  const held = async (): Promise<number | undefined> =>
    (await first.metrics.getSingleMetric('siem_relay_alerts_held')?.get())?.values[0]?.value
  await vi.waitFor(async () => expect(await held()).toBe(1))
  await first.stop(2_000)
  expect(await held()).toBe(0)
  expect(receiver.messages).toHaveLength(1)
  const second = await startTestRelay(directory.path, config)
  await receiver.until((messages) => messages.length === 2)
  await second.stop(2_000)
  expect(receiver.messages.map((message) => ids.findIndex((id) => message.includes(`externalId=${id}`)))).toEqual([
    0, 1,
  ])
})
