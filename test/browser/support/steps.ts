/** What a person does in the pages, as functions: for these tests and for journeys over a real relay. */
import type { Page } from 'playwright-core'

interface Credentials {
  readonly name: string
  readonly password: string
}

/** @param link as siem-relay writes it at its first start. */
export async function setUp(page: Page, link: string, { name, password }: Credentials): Promise<void> {
  await page.goto(link)
  await page.getByLabel('Your name').fill(name)
  await page.getByLabel('New password', { exact: false }).first().fill(password)
  await page.getByLabel('New password again').fill(password)
  await page.getByRole('button', { name: 'Create account' }).click()
  await page.getByRole('heading', { level: 1, name: 'SIEM agents' }).waitFor()
}

export async function signIn(page: Page, url: string, { name, password }: Credentials): Promise<void> {
  await page.goto(url)
  await page.getByLabel('Name').fill(name)
  await page.getByLabel('Password').fill(password)
  await page.getByRole('button', { name: 'Sign in', exact: true }).click()
  await page.getByRole('heading', { level: 1, name: 'SIEM agents' }).waitFor()
}

export async function openAddMenu(page: Page, kind: 'Generic SIEM' | 'Microsoft Sentinel'): Promise<void> {
  await page.getByRole('button', { name: 'Add SIEM agent' }).click()
  await page.getByRole('menuitem', { name: kind }).click()
  await page.getByRole('heading', { level: 1, name: 'Configure' }).waitFor()
}

export interface SyslogAnswers {
  readonly name: string
  readonly host: string
  readonly port: number
  readonly protocol?: 'UDP' | 'TCP' | 'TLS' | 'RELP'
  readonly isRemote?: boolean
}

/** From the table to the step TOKEN. @returns the token of a remote agent. */
export async function addSyslogAgent(page: Page, answers: SyslogAnswers): Promise<string | undefined> {
  const { name, host, port, protocol = 'TCP', isRemote = false } = answers
  await openAddMenu(page, 'Generic SIEM')
  await page.getByLabel('Add agent name').fill(name)
  await next(page, 'REMOTE SYSLOG')
  await page.getByRole('radio', { name: protocol }).check()
  await page.getByLabel('Enter the remote syslog host').fill(host)
  await page.getByLabel('Enter the remote syslog port').fill(String(port))
  if (isRemote) await page.getByRole('radio', { name: 'In your network' }).check()
  await next(page, 'DATA TYPES')
  await next(page, 'TOKEN')
  return isRemote ? ((await page.getByLabel('Token', { exact: true }).textContent()) ?? undefined) : undefined
}

/** Waits until the relay has judged the step, then goes on to the next. */
export async function next(page: Page, step: string): Promise<void> {
  await page.waitForLoadState('networkidle')
  await page.getByRole('button', { name: 'Next' }).click()
  await page.getByRole('heading', { level: 2, name: step }).waitFor()
}

/** Chooses from the menu of a row. */
export async function rowAction(page: Page, agent: string, action: string): Promise<void> {
  await page.getByRole('button', { name: `Actions for ${agent}` }).click()
  await page.getByRole('menuitem', { name: action }).click()
}
