/** An agent's whole way through the portal, on Kafka. On the embedded log: test/browser/journey.test.ts. */
import { describe, inject, test } from 'vitest'
import { launch } from '../browser/support/browser.ts'
import { kafkaLog } from '../faults/kafka/fleet.ts'
import { walkJourney } from '../support/journey.ts'

const broker = inject('kafka')

describe.skipIf(broker === undefined)('the portal on Kafka', () => {
  test('an agent is set up, connects, is edited, gets a new token, rests, sends again, and goes', {
    timeout: 240_000,
  }, async () => {
    await using browser = await launch()
    await walkJourney(browser, kafkaLog({ addresses: [broker as string] }).config)
  })
})
