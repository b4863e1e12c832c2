/** The table of SIEM agents. */
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startFixture } from './fixture/server.ts'
import { launch, openPage, visit } from './support/browser.ts'
import { rowAction } from './support/steps.ts'

let browser: Browser
beforeAll(async () => {
  browser = await launch()
})
afterAll(() => browser.close())

test('has the columns and the count of the page people know', async () => {
  await using fixture = await startFixture()
  await using watched = await openPage(browser)
  const { page } = watched
  await visit(watched, `${fixture.url}agents`)
  expect(await page.getByRole('columnheader').allInnerTexts()).toEqual([
    'Name',
    'Created by / Token owner',
    'Type',
    'Status',
    'Last connection',
    'Agent notifications',
    'Actions',
  ])
  await page.getByText('1 - 7 of 7 SIEM agents').waitFor()
  expect(await page.getByRole('row').filter({ hasText: 'Plant Lyon' }).textContent()).toMatch(
    /Connection error[\s\S]*refused the connection[\s\S]*Next try in/,
  )
})

test('a thousand agents are paged, searched and filtered', async () => {
  await using fixture = await startFixture({ agents: 1_000 })
  await using watched = await openPage(browser)
  const { page } = watched
  await visit(watched, `${fixture.url}agents`)
  await page.getByText('1 - 50 of 1,007 SIEM agents').waitFor()
  expect(await page.getByRole('row').count()).toBe(51)
  await page.getByRole('button', { name: 'Next page' }).click()
  await page.getByText('51 - 100 of 1,007 SIEM agents').waitFor()
  await page.getByRole('searchbox').fill('tenant 0777')
  await page.getByText('1 - 1 of 1 SIEM agents').waitFor()
  await page.getByRole('link', { name: 'Tenant 0777' }).waitFor()
  await page.getByRole('searchbox').fill('')
  await page.getByRole('button', { name: /^Disconnected/ }).click()
  await page.getByText('1 - 50 of 167 SIEM agents').waitFor()
  expect(page.url()).toContain('status=disconnected')
  expect(watched.errors).toEqual([])
})

test('Table settings hide columns and remember it', async () => {
  await using fixture = await startFixture()
  await using watched = await openPage(browser)
  const { page } = watched
  await visit(watched, `${fixture.url}agents`)
  await page.getByRole('button', { name: 'Table settings' }).click()
  await page.getByLabel('Type').uncheck()
  await page.keyboard.press('Escape')
  await visit(watched, `${fixture.url}agents`)
  expect(await page.getByRole('columnheader', { name: 'Type' }).count()).toBe(0)
})

describe('the menu of a row', () => {
  test('is opened, moved through and left with the keyboard alone', async () => {
    await using fixture = await startFixture()
    await using watched = await openPage(browser)
    const { page } = watched
    await visit(watched, `${fixture.url}agents`)
    const button = page.getByRole('button', { name: 'Actions for Plant Lyon' })
    await button.focus()
    await page.keyboard.press('Enter')
    const focused = () => page.evaluate<string>('document.activeElement.textContent.trim()')
    await page.getByRole('menu').waitFor()
    expect(await focused()).toBe('Edit')
    await page.keyboard.press('ArrowDown')
    expect(await focused()).toBe('Regenerate token')
    await page.keyboard.press('End')
    expect(await focused()).toBe('Delete…')
    await page.keyboard.press('Escape')
    await page.getByRole('menu').waitFor({ state: 'detached' })
    expect(await page.evaluate<string>('document.activeElement.getAttribute("aria-label")')).toBe(
      'Actions for Plant Lyon',
    )
  })

  test('regenerates a token and shows it once, with the command that uses it', async () => {
    await using fixture = await startFixture()
    await using watched = await openPage(browser)
    const { page } = watched
    await visit(watched, `${fixture.url}agents`)
    await rowAction(page, 'Plant Lyon', 'Regenerate token')
    await page.getByRole('dialog').getByRole('button', { name: 'Regenerate token' }).click()
    expect(await page.getByLabel('Token', { exact: true }).textContent()).toMatch(/^sra_plant-lyon_[A-Za-z0-9_-]{43}$/)
    expect(await page.getByLabel('Start command', { exact: true }).textContent()).toBe(
      `siem-relay agent --portal ${fixture.url} --token-file siem-relay-agent.token`,
    )
    await page.getByRole('button', { name: 'Done' }).click()
    await page.getByRole('dialog').waitFor({ state: 'detached' })
    expect(await page.content()).not.toContain('sra_plant-lyon_')
  })

  test('deletes only after the name was typed', async () => {
    await using fixture = await startFixture()
    await using watched = await openPage(browser)
    const { page } = watched
    await visit(watched, `${fixture.url}agents`)
    await rowAction(page, 'Archive', 'Delete…')
    const remove = page.getByRole('dialog').getByRole('button', { name: 'Delete' })
    expect(await remove.isDisabled()).toBe(true)
    await page.getByRole('dialog').getByRole('textbox').fill('Archive')
    await remove.click()
    await page.getByText('1 - 6 of 6 SIEM agents').waitFor()
    expect(fixture.state.agents.map(({ id }) => id)).not.toContain('archive')
  })

  test('disables and enables; an agent of the configuration file offers neither', async () => {
    await using fixture = await startFixture()
    await using watched = await openPage(browser)
    const { page } = watched
    await visit(watched, `${fixture.url}agents`)
    await rowAction(page, 'SOC Munich', 'Disable')
    await page.getByRole('row').filter({ hasText: 'SOC Munich' }).getByText('Disabled').waitFor()
    await page.getByRole('button', { name: 'Actions for QRadar' }).click()
    const item = page.getByRole('menuitem', { name: 'Disable' })
    expect(await item.getAttribute('aria-disabled')).toBe('true')
    expect(await item.textContent()).toContain('Belongs to the configuration file')
  })
})

test('notifications say what is wrong, what to do, and give the focus back', async () => {
  await using fixture = await startFixture()
  await using watched = await openPage(browser)
  const { page } = watched
  await visit(watched, `${fixture.url}agents`)
  const opener = page.getByRole('button', { name: '2 notifications of Branch Oslo' })
  await opener.click()
  const panel = page.getByRole('dialog')
  await panel.getByText('SIEM agent error').waitFor()
  await panel.getByText('Take the token over, or regenerate it.').waitFor()
  await page.keyboard.press('Escape')
  await panel.waitFor({ state: 'detached' })
  expect(await page.evaluate<string>('document.activeElement.getAttribute("aria-label")')).toBe(
    '2 notifications of Branch Oslo',
  )
})
