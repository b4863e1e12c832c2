/** Every page, in every state it can be in. */
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startFixture } from './fixture/server.ts'
import { accessibilityFindings } from './support/accessibility.ts'
import { launch, openPage, visit } from './support/browser.ts'

const pages = [
  'agents',
  'agents/new/syslog',
  'agents/new/sentinel',
  'activity',
  'replay',
  'dead-letters',
  'duplicates',
  'sources',
  'discovery',
  'discovery?tab=apps',
  'discovery?tab=ip-addresses',
  'discovery?tab=users',
  'admins',
  'audit',
  'password',
  'help/using/agents.md',
] as const
const ofDemoAgent = [
  'agents/soc-munich/edit',
  'agents/soc-munich/preview',
  'agents/sentinel/edit',
  'agents/from-file/edit',
] as const
const ofHostileAgent = ['agents/hostile-0/edit', 'agents/hostile-0/preview'] as const

let browser: Browser
beforeAll(async () => {
  browser = await launch()
})
afterAll(() => browser.close())

describe.each(['light', 'dark'] as const)('in %s', (scheme) => {
  test('no page has an error or a serious finding of axe-core', async () => {
    await using fixture = await startFixture()
    await using watched = await openPage(browser, { scheme })
    const found: string[] = []
    for (const path of [...pages, ...ofDemoAgent]) {
      await visit(watched, fixture.url + path)
      found.push(...(await accessibilityFindings(watched.page)).map((finding) => `${path}: ${finding}`))
    }
    expect(found).toEqual([])
    expect(watched.errors).toEqual([])
  })

  test.each(['signed-out', 'setup'] as const)('a visitor who is %s finds a page without findings', async (session) => {
    await using fixture = await startFixture({ session })
    await using watched = await openPage(browser, { scheme })
    await visit(watched, fixture.url)
    expect(await accessibilityFindings(watched.page)).toEqual([])
    expect(watched.errors).toEqual([])
  })
})

test('texts of attackers run nothing, anywhere, and break no layout', async () => {
  await using fixture = await startFixture({ data: 'hostile' })
  await using watched = await openPage(browser)
  const { page } = watched
  const found: string[] = []
  for (const path of [...pages, ...ofHostileAgent]) {
    await visit(watched, fixture.url + path)
    if (await page.evaluate('"wasAttacked" in globalThis')) found.push(`${path}: a script ran`)
    if ((await page.locator('main img, main script, main svg[onload], a[href^="javascript:"]').count()) > 0)
      found.push(`${path}: markup of a text`)
    if (await page.evaluate<boolean>('document.documentElement.scrollWidth > innerWidth'))
      found.push(`${path}: wider than the window`)
  }
  expect(found).toEqual([])
  expect(watched.errors).toEqual([])
})

test('panels and live records of attackers run nothing', async () => {
  await using fixture = await startFixture({ data: 'hostile' })
  await using watched = await openPage(browser)
  const { page } = watched
  await page.goto(`${fixture.url}agents`)
  await page
    .getByRole('button', { name: /^1 notification of/ })
    .first()
    .click()
  await page.getByRole('dialog').waitFor()
  expect(await page.locator('a[href^="javascript:"]').count()).toBe(0)
  await page.goto(`${fixture.url}activity`)
  await page.getByRole('button', { name: 'Start' }).click()
  await page.locator('.tap-line').first().waitFor()
  await page.goto(`${fixture.url}dead-letters`)
  await page.getByRole('button', { name: 'RELAY_RECORD_INVALID' }).first().click()
  await page.getByLabel('Original record').waitFor()
  expect(await page.evaluate('"wasAttacked" in globalThis')).toBe(false)
  expect(watched.errors).toEqual([])
})

test('on a phone of 360 pixels no page scrolls sideways', async () => {
  await using fixture = await startFixture()
  await using watched = await openPage(browser, { width: 360, height: 740 })
  const wide: string[] = []
  for (const path of [...pages, ...ofDemoAgent]) {
    await visit(watched, fixture.url + path)
    const width = await watched.page.evaluate<number>('document.documentElement.scrollWidth')
    if (width > 360) wide.push(`${path}: ${width} pixels`)
  }
  expect(wide).toEqual([])
  expect(watched.errors).toEqual([])
})

test('with nothing to show every page names the next move', async () => {
  await using fixture = await startFixture({ data: 'empty' })
  await using watched = await openPage(browser)
  for (const path of ['agents', 'replay', 'dead-letters', 'duplicates', 'sources', 'discovery', 'audit']) {
    await visit(watched, fixture.url + path)
    expect(await watched.page.locator('.empty-text').textContent(), path).toMatch(/\w/)
    expect(await accessibilityFindings(watched.page), path).toEqual([])
  }
  expect(watched.errors).toEqual([])
})

test('an error says what to do and can be tried again', async () => {
  await using fixture = await startFixture()
  await using watched = await openPage(browser)
  fixture.state.failing = new Set(['/sources'])
  await watched.page.goto(`${fixture.url}sources`)
  const alert = watched.page.getByRole('alert')
  await alert.waitFor()
  expect(await alert.textContent()).toContain('Free disk space')
  fixture.state.failing = new Set()
  await alert.getByRole('button', { name: 'Try again' }).click()
  await watched.page.getByRole('heading', { name: 'contoso-mda' }).waitFor()
  expect(await watched.page.getByRole('alert').count()).toBe(0)
})

test('a viewer sees everything and is offered no change', async () => {
  await using fixture = await startFixture({ role: 'viewer' })
  await using watched = await openPage(browser)
  const { page } = watched
  for (const path of ['agents', 'replay', 'dead-letters', 'admins', 'agents/soc-munich/edit']) {
    await visit(watched, fixture.url + path)
    expect(
      await page.getByRole('button', { name: /^(Add SIEM agent|Save|Add account|Retry|Drop|Count first)$/ }).count(),
      path,
    ).toBe(0)
  }
  await page.getByText('Changing it is for admins').waitFor()
  expect(await page.getByLabel('Add agent name').isDisabled()).toBe(true)
  expect(watched.errors).toEqual([])
})

test('everything works below a path prefix: deep links, navigation, back', async () => {
  await using fixture = await startFixture({ path: '/siem' })
  await using watched = await openPage(browser)
  const { page } = watched
  await page.goto(`${fixture.url}dead-letters`)
  await page.getByRole('heading', { level: 1, name: 'Dead letters' }).waitFor()
  await page.getByRole('link', { name: 'Sources' }).click()
  await page.getByRole('heading', { level: 1, name: 'Sources' }).waitFor()
  expect(page.url()).toBe(`${fixture.url}sources`)
  expect(await page.title()).toBe('Sources · siem-relay')
  expect(await page.evaluate<string>('document.activeElement.tagName')).toBe('H1')
  await page.goBack()
  await page.getByRole('heading', { level: 1, name: 'Dead letters' }).waitFor()
  await page.goto(fixture.url)
  await page.getByRole('heading', { level: 1, name: 'SIEM agents' }).waitFor()
  expect(page.url()).toBe(`${fixture.url}agents`)
  expect(watched.errors).toEqual([])
})
