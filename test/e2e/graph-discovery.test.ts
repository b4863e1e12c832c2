/** Cloud Discovery through everything: Graph over HTTP, log, formatter, TCP socket; and once more after a restart. */
import { type DiscoveryRow, discoveryColumns } from '@siem-relay/common'
import { startSimulator } from '@siem-relay/simulator'
import { expect, test } from 'vitest'
import { tcpReceiver } from '../support/receivers.ts'
import { startTestRelay, temporaryDirectory } from '../support/relay.ts'

const oauth = { tenantId: 'contoso.example', clientId: 'relay', clientSecret: 'secret' }
const app = { id: '15600', displayName: 'Microsoft OneDrive for Business', tags: ['Sanctioned'], riskScore: 10 }

test('what Graph aggregates leaves as rows of McasShadowItReporting, each once over restarts', async () => {
  using directory = temporaryDirectory()
  await using receiver = await tcpReceiver('lf')
  await using simulator = await startSimulator({ oauth })
  const { discovery } = simulator
  discovery.addStream({ id: 's1', displayName: 'Marketing Department' })
  discovery.addTraffic('s1', app, { uploadedBytes: 1_514_874, downloadedBytes: 2_552_911, transactions: 122 })
  discovery.addTraffic('s1', app, { user: 'raegan@contoso.example', ipAddress: '127.0.0.1', transactions: 0 })
  const config = {
    sources: [
      {
        id: 'discovery',
        type: 'graph-discovery',
        url: simulator.url,
        auth: { type: 'oauth', ...oauth, tokenUrl: simulator.tokenUrl },
      },
    ],
    agents: [
      {
        id: 'soc',
        syslog: { host: '127.0.0.1', port: receiver.port, protocol: 'tcp', framing: 'lf' },
        discovery: { enabled: true, output: 'json' },
      },
    ],
  }
  const rows = (): readonly DiscoveryRow[] =>
    receiver.messages.map((message) => JSON.parse(message.slice(message.indexOf('{'))) as DiscoveryRow)

  const first = await startTestRelay(directory.path, config)
  await receiver.until((messages) => messages.length >= 3)
  await first.stop(5_000)
  discovery.addTraffic('s1', app, { uploadedBytes: 3, user: 'raegan@contoso.example' })
  const second = await startTestRelay(directory.path, config)
  await receiver.until((messages) => messages.length >= 4)
  await second.stop(5_000)

  for (const row of rows()) expect(Object.keys(row)).toEqual([...discoveryColumns, 'RecordId'])
  const told = rows().map(({ TotalEvents, UploadedBytes, TotalBytes, UserName, IpAddress }) => [
    TotalEvents,
    UploadedBytes,
    TotalBytes,
    UserName ?? IpAddress,
  ])
  expect(told).toHaveLength(4)
  expect(told).toEqual(
    expect.arrayContaining([
      [122, 1_514_874, 4_067_785, null],
      [null, null, null, 'raegan@contoso.example'],
      [null, null, null, '127.0.0.1'],
      [1, 3, 3, null],
    ]),
  )
})
