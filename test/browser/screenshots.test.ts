/** Pictures of the pages for docs/using: taken at every run, so that they can be taken, and written with UPDATE_SCREENSHOTS=1. */
import { mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type FixtureOptions, startFixture } from './fixture/server.ts'
import { launch, openPage, type PageOptions, visit } from './support/browser.ts'

const images = join(import.meta.dirname, '../../docs/using/images')
const bytesMax = 150_000

interface Picture {
  readonly name: string
  readonly path: string
  readonly fixture?: FixtureOptions
  readonly page?: PageOptions
  readonly before?: (page: Page) => Promise<void>
}

const pictures: readonly Picture[] = [
  { name: 'sign-in', path: 'agents', fixture: { session: 'signed-out' }, page: { width: 640, height: 640 } },
  { name: 'agents', path: 'agents' },
  { name: 'agents-dark', path: 'agents', page: { scheme: 'dark' } },
  { name: 'agents-phone', path: 'agents', page: { width: 360, height: 740 } },
  {
    name: 'notifications',
    path: 'agents',
    before: (page) => page.getByRole('button', { name: '2 notifications of Branch Oslo' }).click(),
  },
  {
    name: 'wizard-general',
    path: 'agents/new/syslog',
    before: async (page) => {
      await page.getByLabel('Add agent name').fill('SOC Munich')
      await page.getByText('Advanced settings').click()
      await page.getByText('Mar 02 21:10:02', { exact: true }).waitFor()
    },
  },
  {
    name: 'wizard-syslog',
    path: 'agents/soc-munich/edit',
    before: (page) => page.getByRole('button', { name: /REMOTE SYSLOG/ }).click(),
  },
  {
    name: 'wizard-types',
    path: 'agents/soc-munich/edit',
    before: (page) => page.getByRole('button', { name: /DATA TYPES/ }).click(),
  },
  {
    name: 'filter',
    path: 'agents/soc-munich/edit',
    before: async (page) => {
      await page.getByRole('button', { name: /DATA TYPES/ }).click()
      await page.getByRole('button', { name: 'Edit and preview results' }).first().click()
      await page.getByText('Left out').first().waitFor()
    },
  },
  { name: 'sentinel', path: 'agents/new/sentinel' },
  { name: 'preview', path: 'agents/arcsight/preview', page: { height: 640 } },
  {
    name: 'activity',
    path: 'activity',
    page: { height: 600 },
    before: async (page) => {
      await page.getByRole('button', { name: 'Start' }).click()
      await page.locator('.tap-line').first().waitFor()
    },
  },
  {
    name: 'replay',
    path: 'replay?agent=soc-munich',
    before: (page) => page.getByRole('button', { name: 'Count first' }).click(),
  },
  { name: 'dead-letters', path: 'dead-letters' },
  { name: 'duplicates', path: 'duplicates' },
  { name: 'sources', path: 'sources' },
  { name: 'discovery', path: 'discovery' },
  { name: 'discovery-apps', path: 'discovery?tab=apps' },
  { name: 'admins', path: 'admins' },
  { name: 'audit', path: 'audit' },
]

let browser: Browser
beforeAll(async () => {
  browser = await launch()
})
afterAll(() => browser.close())

test.each(pictures)(
  '$name is drawn, in at most 150 KB',
  async ({ name, path, fixture: options, page: size, before }) => {
    await using fixture = await startFixture(options)
    await using watched = await openPage(browser, { width: 1180, height: 760, ...size })
    await visit(watched, fixture.url + path)
    await before?.(watched.page)
    await watched.page.waitForLoadState('networkidle')
    const picture = await watched.page.screenshot({ caret: 'hide', animations: 'disabled' })
    expect(picture.length).toBeGreaterThan(5_000)
    expect(picture.length).toBeLessThanOrEqual(bytesMax)
    expect(watched.errors).toEqual([])
    if (process.env.UPDATE_SCREENSHOTS !== '1') return
    mkdirSync(images, { recursive: true })
    writeFileSync(join(images, `portal-${name}.png`), picture)
  },
)

test('docs/using/images holds these pictures and no others of the portal', () => {
  const found = readdirSync(images).filter((file) => file.startsWith('portal-'))
  expect(found.sort()).toEqual(pictures.map(({ name }) => `portal-${name}.png`).sort())
  expect(found.filter((file) => statSync(join(images, file)).size > bytesMax)).toEqual([])
})
