/** An agent's whole way through the portal, on the embedded log. On Kafka: test/kafka/journey.test.ts. */
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, test } from 'vitest'
import { walkJourney } from '../support/journey.ts'
import { launch } from './support/browser.ts'

let browser: Browser
beforeAll(async () => {
  browser = await launch()
})
afterAll(() => browser.close())

test('an agent is set up, connects, is edited, gets a new token, rests, sends again, and goes', () =>
  walkJourney(browser))
