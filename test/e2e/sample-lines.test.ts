/** The specification's twelve sample lines, byte for byte, through everything: HTTP, log, formatter, UDP socket. */
import { sampleLines, sampleRecords, startSimulator } from '@siem-relay/simulator'
import { expect, test } from 'vitest'
import { udpReceiver } from '../support/receivers.ts'
import { startTestRelay, temporaryDirectory } from '../support/relay.ts'

const legacyToken = 'a'.repeat(64)

test('API-shaped records leave as the 12 sample lines of the SIEM integration page', async () => {
  using directory = temporaryDirectory()
  await using receiver = await udpReceiver()
  await using simulator = await startSimulator({ legacyToken })
  const { activities, alerts } = sampleRecords()
  for (const record of activities) simulator.store.addActivity(record)
  for (const record of alerts) simulator.store.addAlert(record)
  const lines = sampleLines()
  // The lines come from agents of several versions, one of them with a system name.
  const shapes = new Map(
    lines.map(({ deviceVersion, systemName }) => [`${deviceVersion} ${systemName}`, { deviceVersion, systemName }]),
  )
  const agents = [...shapes.values()].map(({ deviceVersion, systemName }, index) => ({
    id: `agent-${index}`,
    syslog: { host: '127.0.0.1', port: receiver.port, protocol: 'udp' },
    header: { time: 'rfc5424', pri: false, systemName: systemName ?? false },
    device: { version: deviceVersion },
  }))

  const relay = await startTestRelay(directory.path, {
    sources: [
      {
        id: 'contoso',
        type: 'defender-for-cloud-apps',
        url: simulator.url,
        portalUrl: 'https://contoso.portal.cloudappsecurity.com',
        auth: { type: 'token', token: legacyToken },
        lookback: 'P11000D',
      },
    ],
    agents,
  })
  await receiver.until((messages) => messages.length >= lines.length * agents.length)
  await relay.stop(5_000)

  expect(lines).toHaveLength(12)
  expect(lines.map(({ line }) => line).filter((line) => !receiver.messages.includes(line))).toEqual([])
  expect(receiver.messages).toHaveLength(lines.length * agents.length)
})
