/** Replays, dead letters, the live tap, Cloud Discovery, the documentation. */
import type { SourceConfig } from '@siem-relay/collector'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { typeWords } from '../../services/portal/web/records/source-words.ts'
import { startFixture } from './fixture/server.ts'
import { accessibilityFindings } from './support/accessibility.ts'
import { launch, openPage, visit } from './support/browser.ts'

let browser: Browser
beforeAll(async () => {
  browser = await launch()
})
afterAll(() => browser.close())

test('a replay is counted, started and cancelled', async () => {
  await using fixture = await startFixture()
  await using watched = await openPage(browser)
  const { page } = watched
  await visit(watched, `${fixture.url}replay?agent=soc-munich`)
  expect(await page.getByRole('button', { name: 'Start replay' }).count()).toBe(0)
  await page.getByRole('button', { name: 'Count first' }).click()
  await page.getByText('48,213 messages').waitFor()
  await page.getByLabel('Messages a second, at most').fill('100')
  expect(await page.getByRole('button', { name: 'Start replay' }).count(), 'a count is of what was asked').toBe(0)
  await page.getByRole('button', { name: 'Count first' }).click()
  await page.getByRole('button', { name: 'Start replay' }).click()
  await page.getByText('The replay has started').waitFor()
  expect(fixture.state.replays.at(-1)?.job.messagesPerSecondMax).toBe(100)
  await page.getByRole('button', { name: 'Cancel', exact: true }).first().click()
  await page.getByRole('dialog').getByRole('button', { name: 'Cancel replay' }).click()
  await page.getByText('Cancelled').first().waitFor()
  expect(watched.errors).toEqual([])
})

test('dead letters are chosen and retried; one is looked at whole and dropped', async () => {
  await using fixture = await startFixture()
  await using watched = await openPage(browser)
  const { page } = watched
  await visit(watched, `${fixture.url}dead-letters`)
  await page
    .getByRole('checkbox', { name: /^Select RELAY/ })
    .first()
    .check()
  await page.getByText('1 selected').waitFor()
  await page.getByRole('button', { name: 'Retry' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Retry' }).click()
  await page.getByText('1 record sent on their way again').waitFor()
  expect(fixture.state.letters[0]?.mark?.state).toBe('retried')
  await page.getByRole('button', { name: 'RELAY_FRAME_TOO_LARGE' }).first().click()
  await page.getByLabel('Original record').getByText('"Mass download"').waitFor()
  expect(await accessibilityFindings(page)).toEqual([])
  await page.getByRole('dialog').getByRole('button', { name: 'Drop' }).click()
  await page.getByRole('dialog').getByText('Drop 1 record?').waitFor()
  await page.getByRole('dialog').last().getByRole('button', { name: 'Drop' }).click()
  await page.getByText('1 record dropped').waitFor()
  expect(fixture.state.letters[1]?.mark?.state).toBe('dropped')
  expect(watched.errors).toEqual([])
})

test('the tap is paused until it is started, masked until an admin says otherwise, and counts what it cannot show', async () => {
  await using fixture = await startFixture()
  await using watched = await openPage(browser)
  const { page } = watched
  const asked: string[] = []
  page.on('request', (request) => {
    if (request.url().includes('/api/v1/tap')) asked.push(new URL(request.url()).search)
  })
  await visit(watched, `${fixture.url}activity`)
  await page.getByRole('heading', { name: 'Paused' }).waitFor()
  expect(asked).toEqual([])
  await page.getByRole('button', { name: 'Start' }).click()
  await page.getByText('12 came too fast to be shown').waitFor()
  expect(asked[0]).toContain('masked=true')
  await page.locator('.tap-line summary').first().click()
  await page.getByText('out.soc-munich / 0 /').first().waitFor()
  await page.getByRole('button', { name: 'Pause' }).click()
  await page.getByLabel('Mask names and addresses').uncheck()
  await page.getByText('is written to the audit log').waitFor()
})

test('Cloud Discovery narrows to a stream, a period and a user, and lists download as they are shown', async () => {
  await using fixture = await startFixture()
  await using watched = await openPage(browser)
  const { page } = watched
  await visit(watched, `${fixture.url}discovery`)
  await page.locator('.usage-chart canvas').waitFor()
  await page.getByLabel('Data stream').selectOption('Firewall Munich')
  await page.getByLabel('Period').selectOption('7')
  await page.waitForURL(/stream=Firewall\+Munich.*days=7/)
  await page.getByRole('button', { name: 'Users', exact: true }).click()
  await page.getByRole('button', { name: 'megan0@contoso.com' }).click()
  await page.waitForURL(/user=megan0/)
  await page.getByRole('button', { name: 'Show all users' }).waitFor()
  await page.getByRole('button', { name: 'Discovered apps' }).click()
  const csv = new URL((await page.getByRole('link', { name: 'CSV' }).getAttribute('href')) ?? '', fixture.url)
  expect(csv.pathname).toBe('/api/v1/discovery/apps.csv')
  expect(Object.fromEntries(csv.searchParams)).toMatchObject({
    stream: 'Firewall Munich',
    user: 'megan0@contoso.com',
    sort: 'traffic',
  })
  expect(watched.errors).toEqual([])
})

test('the documentation comes with the portal: links between its pages stay in it', async () => {
  await using fixture = await startFixture({ path: '/siem' })
  await using watched = await openPage(browser)
  const { page } = watched
  await visit(watched, `${fixture.url}help/using/agents.md`)
  await page.getByRole('heading', { level: 1, name: 'The life of an agent' }).waitFor()
  await page.getByRole('link', { name: 'discards them' }).click()
  await page.waitForURL(/help\/operating\/README\.md/)
  await visit(watched, `${fixture.url}help/using/nowhere.md`)
  await page.getByRole('heading', { name: 'This page is not here' }).waitFor()
  expect(watched.errors).toEqual([])
})

test('every type of source has a name on its page', () => {
  const types: Readonly<Record<SourceConfig['type'], true>> = {
    'defender-for-cloud-apps': true,
    'defender-streaming': true,
    'discovery-intake': true,
    'graph-alerts': true,
    'graph-discovery': true,
  }
  expect(Object.keys(typeWords).toSorted()).toEqual(Object.keys(types))
})
