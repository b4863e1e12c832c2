/** Several people in one portal: two that edit one agent, and one that may only look. */
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Relay } from '../../app/src/all-in-one.ts'
import { type PortalClient, setUpPortal, testPassword } from '../../services/portal/src/testing/browser.ts'
import { startTestRelay, temporaryDirectory } from '../support/relay.ts'
import { launch, openPage, pagesOf, visit } from './support/browser.ts'
import { rowAction, signIn } from './support/steps.ts'

let browser: Browser
beforeAll(async () => {
  browser = await launch()
})
afterAll(() => browser.close())

const portal = { listen: '127.0.0.1:0', allowCidrs: ['127.0.0.0/8'] }
const soc = {
  id: 'soc',
  name: 'SOC',
  remote: true,
  syslog: { host: '127.0.0.1', port: 1025, framing: 'octet-counting' },
}

/** A relay with an agent of the portal, and an account beside the first. */
async function startShared(
  directory: string,
  role: 'admin' | 'viewer',
): Promise<{ readonly relay: Relay; readonly url: string; readonly ada: PortalClient }> {
  const relay = await startTestRelay(directory, { portal })
  if (relay.portal === undefined) throw new Error('the portal does not run')
  const ada = await setUpPortal(relay.portal)
  await ada.call('POST', '/agents', { definition: soc })
  await ada.call('POST', '/accounts', { name: 'bob', role, password: testPassword })
  return { relay, url: `${relay.portal.url}/`, ada }
}

async function openEditor(page: Page): Promise<void> {
  await rowAction(page, 'SOC', 'Edit')
  await page.getByRole('heading', { level: 1, name: 'Edit SIEM agent SOC' }).waitFor()
  await page.waitForLoadState('networkidle')
}

test('two browsers edit one agent: the second is told, sees both versions, and nothing is overwritten', async () => {
  using directory = temporaryDirectory()
  const { relay, url, ada } = await startShared(directory.path, 'admin')
  try {
    await using one = await openPage(browser)
    await using two = await openPage(browser)
    await signIn(one.page, url, { name: 'ada', password: testPassword })
    await signIn(two.page, url, { name: 'bob', password: testPassword })
    await openEditor(one.page)
    await openEditor(two.page)

    await one.page.getByRole('button', { name: /REMOTE SYSLOG/ }).click()
    await one.page.getByLabel('Enter the remote syslog port').fill('2025')
    await one.page.waitForLoadState('networkidle')
    await one.page.getByRole('button', { name: 'Save' }).click()
    await one.page.getByText('127.0.0.1:2025', { exact: false }).waitFor()

    await two.page.getByLabel('Add agent name').fill('SOC Bavaria')
    await two.page.waitForLoadState('networkidle')
    await two.page.getByRole('button', { name: 'Save' }).click()
    const dialog = two.page.getByRole('dialog')
    await dialog.getByText('Somebody else changed this agent').waitFor()
    await dialog.getByText('Nothing was overwritten.', { exact: false }).waitFor()
    expect((await ada.call('GET', '/agents/soc')).body).toMatchObject({
      revision: 2,
      name: 'SOC',
      definition: { syslog: { port: 2025 } },
    })

    await dialog.getByRole('button', { name: 'Use these' }).click()
    await two.page.waitForLoadState('networkidle')
    await two.page.getByRole('button', { name: 'Save' }).click()
    await two.page.getByRole('link', { name: 'SOC Bavaria' }).waitFor()
    expect((await ada.call('GET', '/agents/soc')).body).toMatchObject({
      revision: 3,
      name: 'SOC Bavaria',
      definition: { syslog: { port: 2025 } },
    })
    const { entries } = (await ada.call('GET', '/audit')).body
    expect(entries.filter(({ action }: { action: string }) => action === 'agent.change')).toMatchObject([
      { actor: 'bob', detail: 'name' },
      { actor: 'ada', detail: 'syslog.port' },
    ])
    expect([...one.errors, ...two.errors]).toEqual([])
  } finally {
    await relay.stop(0)
  }
})

test('a viewer sees every page and can change nothing, in the pages or beside them', async () => {
  using directory = temporaryDirectory()
  const { relay, url, ada } = await startShared(directory.path, 'viewer')
  try {
    await using watched = await openPage(browser)
    const { page } = watched
    await signIn(page, url, { name: 'bob', password: testPassword })
    await page.getByText('Read-only', { exact: true }).waitFor()
    expect(await page.getByRole('button', { name: 'Add SIEM agent' }).count()).toBe(0)
    await page.getByRole('button', { name: 'Actions for SOC' }).click()
    for (const name of ['Regenerate token', 'Disable', 'Delete…'])
      expect(await page.getByRole('menuitem', { name }).getAttribute('aria-disabled')).toBe('true')
    await page.getByRole('menuitem', { name: 'View settings' }).click()
    await page.getByText('Changing it is for admins.', { exact: false }).waitFor()
    await page.waitForLoadState('networkidle')
    expect(await page.getByRole('button', { name: 'Save' }).count()).toBe(0)
    for (const step of [/GENERAL/, /REMOTE SYSLOG/, /DATA TYPES/]) {
      await page.getByRole('button', { name: step }).click()
      expect(await page.locator('main :is(input, select, textarea, [role=switch])').count()).toBeGreaterThan(0)
      expect(await page.locator('main :is(input, select, textarea, [role=switch]):enabled').count()).toBe(0)
    }
    for (const { path } of await pagesOf(page)) {
      await visit(watched, new URL(path, url).href)
      const acts = page.getByRole('button', {
        name: /^(Add|Start replay|Count|Delete|Remove|Retry|Drop|Save|Cancel|Regenerate)/,
      })
      expect(await acts.allInnerTexts(), path).toEqual([])
    }

    // Beside the pages, with the session and token that the pages have.
    const change = `async ([method, path, body]) => {
      const { csrfToken } = await (await fetch('api/v1/session')).json()
      const answer = await fetch('api/v1' + path, {
        method, body: JSON.stringify(body), headers: { 'content-type': 'application/json', 'x-csrf-token': csrfToken },
      })
      return answer.status
    }`
    await visit(watched, url)
    const changes = [
      ['POST', '/agents', { definition: { ...soc, id: 'other' } }],
      ['PUT', '/agents/soc', { revision: 1, definition: { ...soc, name: 'Mine' } }],
      ['PATCH', '/agents/soc/enabled', { revision: 1, enabled: false }],
      ['POST', '/agents/soc/token', {}],
      ['DELETE', '/agents/soc', { revision: 1, name: 'SOC' }],
      ['POST', '/agents/test-message', { definition: soc }],
      ['POST', '/replays', { agent: 'soc', fromMs: 0, toMs: Date.now() }],
      ['POST', '/accounts', { name: 'eve', role: 'admin', password: testPassword }],
      ['PATCH', '/accounts/bob', { role: 'admin' }],
    ] as const
    for (const asked of changes)
      expect(await page.evaluate<number>(`(${change})(${JSON.stringify(asked)})`), asked.slice(0, 2).join(' ')).toBe(
        403,
      )
    expect((await ada.call('GET', '/agents')).body.agents).toMatchObject([{ id: 'soc', name: 'SOC', revision: 1 }])
    expect((await ada.call('GET', '/accounts')).body.accounts).toHaveLength(2)
    expect(watched.errors).toEqual([])
  } finally {
    await relay.stop(0)
  }
})
