/** Set-up, signing in and out, accounts. */
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { setUpToken } from './fixture/access-routes.ts'
import { startFixture } from './fixture/server.ts'
import { launch, openPage, visit } from './support/browser.ts'
import { rowAction, setUp, signIn } from './support/steps.ts'

const ada = { name: 'Ada', password: 'correct horse battery' }

let browser: Browser
beforeAll(async () => {
  browser = await launch()
})
afterAll(() => browser.close())

test('the set-up link makes the first admin and signs in; its token does not stay in the address', async () => {
  await using fixture = await startFixture({ session: 'setup' })
  await using watched = await openPage(browser)
  await setUp(watched.page, `${fixture.url}setup#token=${setUpToken}`, ada)
  expect(fixture.state.accountName).toBe('Ada')
  expect(watched.page.url()).toBe(`${fixture.url}agents`)
  expect(watched.errors).toEqual([])
})

test('a password has to be long enough and typed twice the same', async () => {
  await using fixture = await startFixture({ session: 'setup' })
  await using watched = await openPage(browser)
  const { page } = watched
  await visit(watched, `${fixture.url}setup#token=${setUpToken}`)
  await page.getByLabel('Your name').fill('Ada')
  await page.getByLabel('New password').first().fill('short')
  await page.getByLabel('New password again').fill('short')
  await page.getByText('Use at least 12 characters.').waitFor()
  expect(await page.getByRole('button', { name: 'Create account' }).isDisabled()).toBe(true)
  await page.getByLabel('New password').first().fill(ada.password)
  await page.getByText('The two are not the same.').waitFor()
})

describe('signing in', () => {
  test('leads to the page that was asked for', async () => {
    await using fixture = await startFixture({ session: 'signed-out' })
    await using watched = await openPage(browser)
    await signIn(watched.page, fixture.url, ada)
    await watched.page.getByRole('button', { name: 'Account' }).click()
    await watched.page.getByRole('menuitem', { name: 'Sign out' }).click()
    await watched.page.getByRole('heading', { name: 'Sign in' }).waitFor()
    expect(fixture.state.session).toBe('signed-out')
    expect(watched.errors).toEqual([])
  })

  test('says that it was wrong and keeps the name', async () => {
    await using fixture = await startFixture({ session: 'signed-out' })
    await using watched = await openPage(browser)
    const { page } = watched
    await visit(watched, fixture.url)
    expect(await page.getByRole('link', { name: 'Sign in with Microsoft Entra' }).getAttribute('href')).toBe(
      `${new URL(fixture.url).pathname}api/v1/oidc/start`,
    )
    await page.getByLabel('Name').fill('Ada')
    await page.getByLabel('Password').fill('wrong')
    await page.getByRole('button', { name: 'Sign in', exact: true }).click()
    await page.getByText('the name or the password is wrong').waitFor()
    expect([await page.getByLabel('Name').inputValue(), await page.getByLabel('Password').inputValue()]).toEqual([
      'Ada',
      '',
    ])
  })
})

test('removing an account asks what becomes of its tokens, and for its name', async () => {
  await using fixture = await startFixture()
  await using watched = await openPage(browser)
  const { page } = watched
  await visit(watched, `${fixture.url}admins`)
  await rowAction(page, 'adele@contoso.com', 'Remove…')
  const dialog = page.getByRole('dialog')
  await dialog.getByText('Plant Lyon').waitFor()
  expect(await dialog.getByRole('radio', { name: 'I take them over' }).isChecked()).toBe(true)
  const remove = dialog.getByRole('button', { name: 'Remove' })
  expect(await remove.isDisabled()).toBe(true)
  await dialog.getByRole('textbox').fill('adele@contoso.com')
  await remove.click()
  await page.getByText('adele@contoso.com was removed').waitFor()
})
