/** The wizards: made with the keyboard alone, nothing lost on the way. */
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startFixture } from './fixture/server.ts'
import { accessibilityFindings } from './support/accessibility.ts'
import { launch, openPage, visit } from './support/browser.ts'
import { addSyslogAgent, next, openAddMenu } from './support/steps.ts'

let browser: Browser
beforeAll(async () => {
  browser = await launch()
})
afterAll(() => browser.close())

test('a remote agent is made step by step; every step is free of findings; the token comes last', async () => {
  await using fixture = await startFixture()
  await using watched = await openPage(browser)
  const { page } = watched
  await visit(watched, `${fixture.url}agents`)
  const token = await addSyslogAgent(page, {
    name: 'SOC Berlin',
    host: 'siem.berlin.contoso.com',
    port: 6514,
    protocol: 'TLS',
    isRemote: true,
  })
  expect(token).toMatch(/^sra_soc-berlin_/)
  expect(await accessibilityFindings(page)).toEqual([])
  expect(fixture.state.agents.at(-1)?.definition).toMatchObject({
    name: 'SOC Berlin',
    remote: true,
    format: 'generic',
    syslog: { host: 'siem.berlin.contoso.com', port: 6514, protocol: 'tls' },
    header: { time: 'rfc5424', pri: true, systemName: true },
  })
  await page.getByRole('button', { name: 'Finish' }).click()
  await page.getByRole('link', { name: 'SOC Berlin' }).waitFor()
  expect(watched.errors).toEqual([])
})

test('the keyboard alone is enough', async () => {
  await using fixture = await startFixture()
  await using watched = await openPage(browser)
  const { page } = watched
  const { keyboard } = page
  await visit(watched, `${fixture.url}agents/new/syslog`)
  await page.getByLabel('Add agent name').focus()
  await keyboard.type('Keys only')
  await keyboard.press('Tab')
  await keyboard.press('ArrowRight')
  expect(await page.getByRole('radio', { name: 'Micro Focus ArcSight' }).isChecked()).toBe(true)
  await keyboard.press('Tab')
  await keyboard.press('Enter')
  await page.getByRole('group', { name: 'Time format' }).waitFor()
  await tabTo('Next')
  await keyboard.press('Enter')
  await page.getByRole('heading', { level: 2, name: 'REMOTE SYSLOG' }).waitFor()
  expect(await page.evaluate<string>('document.activeElement.id')).toBe('step-title')
  await keyboard.press('Tab')
  await keyboard.type('siem.contoso.com')
  await page.waitForLoadState('networkidle')
  await tabTo('Next')
  await keyboard.press('Enter')
  await page.getByRole('heading', { level: 2, name: 'DATA TYPES' }).waitFor()
  await tabTo('Next')
  await keyboard.press('Enter')
  await page.getByText('It runs in this relay, so no token is needed.').waitFor()
  expect(fixture.state.agents.at(-1)?.definition).toMatchObject({ name: 'Keys only', format: 'arcsight' })
  expect(watched.errors).toEqual([])

  /** As a person does: Tab until it has the focus. */
  async function tabTo(name: string): Promise<void> {
    for (let count = 0; count < 60; count++) {
      if ((await page.evaluate<string>('document.activeElement.textContent')).trim() === name) return
      await keyboard.press('Tab')
    }
    throw new Error(`Tab does not reach ${name}`)
  }
})

test('samples of the three time formats come from the relay', async () => {
  await using fixture = await startFixture()
  await using watched = await openPage(browser)
  const { page } = watched
  await visit(watched, `${fixture.url}agents/new/syslog`)
  await page.getByText('Advanced settings').click()
  const group = page.getByRole('group', { name: 'Time format' })
  await group.getByText('Mar 02 2023 21:10:02').waitFor()
  await group.getByText('Mar 02 21:10:02', { exact: true }).waitFor()
  await group.getByText('2023-03-02T21:10:02.022Z').waitFor()
  await page.getByLabel('Sample line').filter({ hasText: ' relay-1 CEF:0' }).waitFor()
  await page.getByLabel('Include system name').uncheck()
  await page
    .getByLabel('Sample line')
    .filter({ hasText: /^<\d+>2023-03-02T21:10:02.022Z CEF:0/ })
    .waitFor()
  await page.getByLabel('Include PRI').uncheck()
  await page.getByText('without PRI a line starts with the year').waitFor()
})

test('a problem is shown at its field, and Next leads to it', async () => {
  await using fixture = await startFixture()
  await using watched = await openPage(browser)
  const { page } = watched
  await visit(watched, `${fixture.url}agents/new/syslog`)
  expect(await page.locator('.field-problem').count()).toBe(0)
  await page.getByRole('button', { name: 'Next' }).click()
  await page.getByText('Give the agent a name.').waitFor()
  const name = page.getByLabel('Add agent name')
  expect(await name.getAttribute('aria-invalid')).toBe('true')
  await name.fill('SOC')
  await next(page, 'REMOTE SYSLOG')
  await page.getByLabel('Enter the remote syslog host').fill('siem')
  await page.getByText('Advanced settings').click()
  await page.getByRole('radio', { name: 'TLS' }).check()
  await page.getByLabel('Framing').selectOption('lf')
  await page.getByText('TLS receivers expect octet counting').waitFor()
  await page.getByRole('radio', { name: 'UDP' }).check()
  await page.getByText('UDP has no answer: lines lost on the way are lost').waitFor()
})

test('a test message tells what happened, step by step', async () => {
  await using fixture = await startFixture()
  await using watched = await openPage(browser)
  const { page } = watched
  await visit(watched, `${fixture.url}agents/soc-munich/edit`)
  await page.getByRole('button', { name: /REMOTE SYSLOG/ }).click()
  await page.getByRole('button', { name: 'Send test message' }).click()
  await page.getByText(/^Sent, \d+ bytes/).waitFor()
  expect(await page.locator('.test-step strong').first().textContent()).toBe('Settings')
  await page.getByText('siem.contoso.com is 192.0.2.10').waitFor()
  expect(await accessibilityFindings(page)).toEqual([])
})

test('a filter is built, shown as JSON, judged on real records and applied', async () => {
  await using fixture = await startFixture()
  await using watched = await openPage(browser)
  const { page } = watched
  await visit(watched, `${fixture.url}agents`)
  await openAddMenu(page, 'Microsoft Sentinel')
  await page.getByRole('button', { name: 'Edit and preview results' }).first().click()
  const dialog = page.getByRole('dialog')
  await dialog.getByRole('button', { name: 'Add a filter' }).click()
  await dialog.getByLabel('New filter: field').selectOption('severity')
  await dialog.getByLabel('severity: add a value').selectOption({ label: 'high (2)' })
  await dialog.getByText('Left out', { exact: false }).first().waitFor()
  await dialog.getByText('Does not hold:', { exact: false }).first().waitFor({ state: 'attached' })
  expect(await accessibilityFindings(page)).toEqual([])
  await dialog.getByRole('button', { name: 'JSON' }).click()
  expect(JSON.parse(await dialog.getByLabel('Filter as JSON').inputValue())).toEqual({ severity: { eq: [2] } })
  await dialog.getByLabel('Filter as JSON').fill('{"severity":{"eq":["grim"]}}')
  await dialog.getByText(/severity › eq/).waitFor()
  expect(await dialog.getByRole('button', { name: 'Apply' }).isDisabled()).toBe(true)
  await dialog.getByLabel('Filter as JSON').fill('{"severity":{"eq":[1,2]}}')
  await dialog.getByRole('button', { name: 'Rows' }).click()
  await dialog.getByText('medium (1)').waitFor()
  await dialog.getByRole('button', { name: 'Apply' }).click()
  await dialog.waitFor({ state: 'detached' })
  expect(await page.getByLabel('Alerts: apply to').inputValue()).toBe('specific')
  expect(watched.errors).toEqual([])
})

test('the wizard for Microsoft Sentinel keeps alerts on and ends with what comes next', async () => {
  await using fixture = await startFixture()
  await using watched = await openPage(browser)
  const { page } = watched
  await visit(watched, `${fixture.url}agents/new/sentinel`)
  const alerts = page.getByRole('switch', { name: 'Alerts' })
  expect([await alerts.isDisabled(), await alerts.getAttribute('aria-checked')]).toEqual([true, 'true'])
  await next(page, 'CONFIGURE')
  await page.getByLabel('Logs ingestion endpoint').fill('https://soc-dcr-a1b2.westeurope-1.ingest.monitor.azure.com')
  await page.getByLabel('Immutable ID of the data collection rule').fill(`dcr-${'0b'.repeat(16)}`)
  await page.getByLabel('Sign in to Azure as').selectOption('managed-identity')
  await page.waitForLoadState('networkidle')
  await page.getByRole('button', { name: 'Finish' }).click()
  await page.getByText('What next?').waitFor()
  expect(fixture.state.agents.at(-1)?.definition).toMatchObject({ sentinel: { auth: { type: 'managed-identity' } } })
  expect(await accessibilityFindings(page)).toEqual([])
})

describe('nothing is lost', () => {
  test('Quit asks while something is not saved', async () => {
    await using fixture = await startFixture()
    await using watched = await openPage(browser)
    const { page } = watched
    await visit(watched, `${fixture.url}agents/new/syslog`)
    await page.getByLabel('Add agent name').fill('Half')
    await page.getByRole('button', { name: 'Quit…' }).click()
    await page.getByRole('button', { name: 'Go on editing' }).click()
    expect(await page.getByLabel('Add agent name').inputValue()).toBe('Half')
    await page.getByRole('link', { name: 'Sources' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Quit' }).click()
    await page.getByRole('heading', { level: 1, name: 'Sources' }).waitFor()
  })

  test('the back button asks as well', async () => {
    await using fixture = await startFixture()
    await using watched = await openPage(browser)
    const { page } = watched
    await visit(watched, `${fixture.url}agents`)
    await openAddMenu(page, 'Generic SIEM')
    await page.getByLabel('Add agent name').fill('Half')
    await page.evaluate('history.back()')
    await page.getByRole('button', { name: 'Go on editing' }).click()
    expect(await page.getByLabel('Add agent name').inputValue()).toBe('Half')
    expect(page.url()).toContain('/agents/new/syslog')
  })

  test('a session that ends is taken up again over the form', async () => {
    await using fixture = await startFixture()
    await using watched = await openPage(browser)
    const { page } = watched
    await visit(watched, `${fixture.url}agents/soc-munich/edit`)
    await page.getByLabel('Add agent name').fill('SOC Bavaria')
    await page.waitForLoadState('networkidle')
    fixture.state.session = 'signed-out'
    await page.getByRole('button', { name: 'Save' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByText('Your session has ended').waitFor()
    await dialog.getByLabel('Password').fill('a long enough one')
    await dialog.getByRole('button', { name: 'Sign in', exact: true }).click()
    await page.getByRole('link', { name: 'SOC Bavaria' }).waitFor()
    expect(fixture.state.agents.find(({ id }) => id === 'soc-munich')?.name).toBe('SOC Bavaria')
  })

  test('when somebody else was faster both versions are shown, and one is made of them', async () => {
    await using fixture = await startFixture()
    await using watched = await openPage(browser)
    const { page } = watched
    await visit(watched, `${fixture.url}agents/soc-munich/edit`)
    fixture.state.agents = fixture.state.agents.map((agent) =>
      agent.id === 'soc-munich'
        ? {
            ...agent,
            revision: 2,
            definition: { ...agent.definition, syslog: { host: 'other.contoso.com', port: 6514, protocol: 'tls' } },
          }
        : agent,
    )
    await page.getByLabel('Add agent name').fill('SOC Bavaria')
    await page.waitForLoadState('networkidle')
    await page.getByRole('button', { name: 'Save' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByText('other.contoso.com').waitFor()
    expect(await accessibilityFindings(page)).toEqual([])
    await dialog.getByRole('button', { name: 'Use these' }).click()
    await page.waitForLoadState('networkidle')
    await page.getByRole('button', { name: 'Save' }).click()
    await page.getByRole('link', { name: 'SOC Bavaria' }).waitFor()
    expect(fixture.state.agents.find(({ id }) => id === 'soc-munich')?.definition).toMatchObject({
      name: 'SOC Bavaria',
      syslog: { host: 'other.contoso.com' },
    })
  })
})
