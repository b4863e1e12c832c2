/** The whole way of an agent in the portal, in a browser, over a relay that runs as its user runs it: from the first start to the agent's
 *  end. The same walk for every kind of log. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { expect, vi } from 'vitest'
import { openPage } from '../browser/support/browser.ts'
import { next, openAddMenu, rowAction, setUp, signIn } from '../browser/support/steps.ts'
import { idOf } from '../faults/ledger.ts'
import { type RunningCommand, startCommand } from './command.ts'
import { type JourneySource, startJourneySource } from './journey-source.ts'
import { type RelayProcess, startRelayProcess } from './process.ts'
import { type Receiver, tcpReceiver } from './receivers.ts'
import { temporaryDirectory } from './relay.ts'

const ada = { name: 'ada', password: 'correct horse battery staple' }
const agent = { id: 'soc-munich', name: 'SOC Munich' }
const waiting = { timeout: 30_000, interval: 50 }

/** @param log the `bus:` of the configuration; default: the embedded log. */
export async function walkJourney(browser: Browser, log: object = {}): Promise<void> {
  using directory = temporaryDirectory()
  await using source = await startJourneySource(5)
  await using first = await tcpReceiver('octet-counting')
  await using second = await tcpReceiver('octet-counting')
  source.add(20)
  const relay = await startRelayProcess(directory.path, {
    sources: [source.config],
    portal: { listen: '127.0.0.1:0', data: join(directory.path, 'portal'), allowCidrs: ['127.0.0.0/8'] },
    ...log,
  })
  const started: RunningCommand[] = []
  try {
    await using watched = await openPage(browser)
    const { page } = watched
    const walk = new Walk({ page, source, relay, receivers: [first, second] })
    await watched.context.grantPermissions(['clipboard-read', 'clipboard-write'])
    await walk.setUpAndSignIn()
    // In the log before there is an agent: it begins two days back.
    await walk.untilCollected()

    await openAddMenu(page, 'Generic SIEM')
    await walk.seeSampleFollow()
    await walk.sendTestMessage(first)
    const previewed = await walk.filterAlerts()
    await next(page, 'TOKEN')
    const token = await walk.copyToken()
    const start = (file: string, content: string): RunningCommand => {
      writeFileSync(join(directory.path, file), `${content}\n`, { mode: 0o600 })
      const command = startCommand(directory.path, walk.agentArguments(file))
      started.push(command)
      return command
    }
    await walk.readStartCommand()
    await page.getByRole('button', { name: 'Finish' }).click()
    await walk.row().getByText('Created', { exact: true }).waitFor()

    await page.evaluate("window.stays = 'the page was not loaded again'")
    const old = start('old.token', token)
    await walk.row().getByText('Connected', { exact: true }).waitFor(waiting)
    expect(await page.evaluate('window.stays')).toBe('the page was not loaded again')
    await walk.untilDelivered()
    expect(first.messages).toContain(previewed)

    await walk.moveTo(second.port)
    source.add(8)
    await walk.untilDelivered()
    const atFirst = first.messages.length
    // Those of both, the test message aside.
    expect(walk.idsArrived().toSorted()).toEqual(walk.idsWanted().toSorted())

    const renewed = await walk.regenerateToken()
    await vi.waitFor(() => old.saying(/Invalid token/), { timeout: 5_000 })
    source.add(8)
    start('new.token', renewed)
    await walk.untilDelivered()
    old.interrupt()
    expect((await old.result).code).toBe(0)

    await rowAction(page, agent.name, 'Disable')
    await walk.row().getByText('Disabled', { exact: true }).waitFor()
    const before = second.messages.length
    source.add(8)
    await walk.untilCollected()
    expect(second.messages).toHaveLength(before)
    await rowAction(page, agent.name, 'Enable')
    await walk.untilDelivered()
    expect(first.messages).toHaveLength(atFirst)

    await walk.replayEverything()

    await walk.remove()
    await started.at(-1)?.saying(/Invalid token/)
    await vi.waitFor(() => expect(relay.log.join('\n')).toContain('what was kept for a deleted agent is gone'), waiting)
    for (const gauge of ['consumer_lag_records', 'partitions_assigned'])
      expect(await walk.metrics()).not.toContain(`siem_relay_${gauge}{agent="${agent.id}"`)
    expect(walk.idsArrived().filter((id) => source.mildAlerts.includes(id))).toEqual([])
    expect(watched.errors).toEqual([])
  } catch (error) {
    throw new Error(`${error}\nthe relay said:\n${relay.log.slice(-20).join('\n')}`, { cause: error })
  } finally {
    for (const command of started) {
      command.interrupt()
      await command.result
    }
    await relay.kill('SIGTERM')
  }
}

interface WalkParts {
  readonly page: Page
  readonly source: JourneySource
  readonly relay: RelayProcess
  readonly receivers: readonly Receiver[]
}

class Walk {
  readonly #page: Page
  readonly #source: JourneySource
  readonly #relay: RelayProcess
  readonly #receivers: readonly Receiver[]
  #command: readonly string[] = []
  #testMessage = ''

  constructor({ page, source, relay, receivers }: WalkParts) {
    this.#page = page
    this.#source = source
    this.#relay = relay
    this.#receivers = receivers
  }

  row() {
    return this.#page.getByRole('row').filter({ hasText: agent.name })
  }

  async setUpAndSignIn(): Promise<void> {
    const page = this.#page
    const link = await vi.waitFor(() => {
      const found = this.#relay.log.map((line) => /^\s+(http\S+\/setup#\S+)$/.exec(line)?.[1]).find(Boolean)
      expect(found).toBeDefined()
      return found as string
    }, waiting)
    await setUp(page, link, ada)
    await page.getByRole('button', { name: 'Account ada' }).click()
    await page.getByRole('menuitem', { name: 'Sign out' }).click()
    await page.getByRole('button', { name: 'Sign in', exact: true }).waitFor()
    await signIn(page, new URL('/', link).href, ada)
  }

  async seeSampleFollow(): Promise<void> {
    const page = this.#page
    await page.getByLabel('Add agent name').fill(agent.name)
    const sample = page.getByLabel('Sample line', { exact: true })
    await sample.filter({ hasText: /^<\d+>\d{4}-\d\d-\d\dT[\d:.]+Z \S+ CEF:0\|MCAS\|SIEM_Agent\|/ }).waitFor()
    await page.getByText('Advanced settings').click()
    await page.getByLabel('System name', { exact: true }).fill('relay-munich')
    await sample.filter({ hasText: /Z relay-munich CEF:0/ }).waitFor()
    await next(page, 'REMOTE SYSLOG')
  }

  async sendTestMessage(receiver: Receiver): Promise<void> {
    const page = this.#page
    await page.getByLabel('Enter the remote syslog host').fill('127.0.0.1')
    await page.getByLabel('Enter the remote syslog port').fill(String(receiver.port))
    await page.getByRole('radio', { name: 'TCP' }).check()
    await page.getByRole('radio', { name: 'In your network' }).check()
    await page.getByText('Advanced settings').click()
    await page.getByLabel('Framing').selectOption('octet-counting')
    await page.waitForLoadState('networkidle')
    await page.getByRole('button', { name: 'Send test message' }).click()
    await page.getByText(/^Sent, \d+ bytes/).waitFor()
    this.#testMessage = await textOf(page, 'The line that was sent')
    await receiver.until((messages) => messages.length > 0)
    expect(receiver.messages).toEqual([this.#testMessage])
    await next(page, 'DATA TYPES')
  }

  /** High severity alone. @returns the line of a record that passes, as the preview has it. */
  async filterAlerts(): Promise<string> {
    const page = this.#page
    await page.getByRole('button', { name: 'Edit and preview results' }).first().click()
    const dialog = page.getByRole('dialog')
    await dialog.getByRole('button', { name: 'Add a filter' }).click()
    await dialog.getByLabel('New filter: field').selectOption('severity')
    await dialog.getByLabel('severity: add a value').selectOption({ label: 'high (2)' })
    const sent = dialog.getByRole('list', { name: 'Records' }).getByRole('button', { name: /^Sent/ })
    await dialog.getByRole('button', { name: /^Left out/ }).click()
    await dialog.getByText('Does not hold:', { exact: false }).first().waitFor({ state: 'attached' })
    expect(this.#source.mildAlerts).toContain(JSON.parse(await textOf(dialog, 'Record'))._id)
    await dialog
      .getByRole('button', { name: /^Sent \d/ })
      .first()
      .click()
    await sent.first().click()
    const line = await textOf(dialog, 'Line')
    expect(line).toMatch(/^<\d+>\S+ relay-munich CEF:0\|/)
    await dialog.getByRole('button', { name: 'Apply' }).click()
    await dialog.waitFor({ state: 'detached' })
    return line
  }

  async copyToken(): Promise<string> {
    const page = this.#page
    const shown = (await page.getByLabel('Token', { exact: true }).textContent()) ?? ''
    await page.getByRole('button', { name: 'Copy token' }).click()
    await page.getByText('Token copied').waitFor()
    const copied: string = await page.evaluate('navigator.clipboard.readText()')
    expect(copied).toBe(shown)
    expect(copied).toMatch(new RegExp(`^sra_${agent.id}_[A-Za-z0-9_-]{43}$`))
    return copied
  }

  async readStartCommand(): Promise<void> {
    const [program, ...rest] = (
      (await this.#page.getByLabel('Start command', { exact: true }).textContent()) ?? ''
    ).split(' ')
    expect([program, rest[0]]).toEqual(['siem-relay', 'agent'])
    this.#command = rest
  }

  /** Of the command the page shows, with another name for the file. */
  agentArguments(tokenFile: string): readonly string[] {
    return [...this.#command.slice(0, -1), tokenFile]
  }

  async moveTo(port: number): Promise<void> {
    const page = this.#page
    await rowAction(page, agent.name, 'Edit')
    await page.getByRole('button', { name: /REMOTE SYSLOG/ }).click()
    await page.getByLabel('Enter the remote syslog port').fill(String(port))
    await page.waitForLoadState('networkidle')
    await page.getByRole('button', { name: 'Save' }).click()
    await this.row().getByText(`127.0.0.1:${port}`, { exact: false }).waitFor()
  }

  async regenerateToken(): Promise<string> {
    const page = this.#page
    await rowAction(page, agent.name, 'Regenerate token')
    await page.getByRole('dialog').getByRole('button', { name: 'Regenerate token' }).click()
    const token = (await page.getByLabel('Token', { exact: true }).textContent()) ?? ''
    await page.getByRole('button', { name: 'Done' }).click()
    return token
  }

  /** Counts, starts, and watches to the end; each line goes out once more. */
  async replayEverything(): Promise<void> {
    const page = this.#page
    const receiver = this.#receivers.at(-1)
    if (receiver === undefined) throw new Error('there is no receiver')
    // What was not confirmed when the old token ended came twice: it is in the log once.
    const lines = [...new Set(this.#lines())]
    const before = receiver.messages.length
    await rowAction(page, agent.name, 'Replay')
    await page.getByLabel('Messages a second, at most').fill('10')
    await page.getByRole('button', { name: 'Count first' }).click()
    await page.getByText(`${lines.length} messages would be sent again`, { exact: false }).waitFor()
    await page.getByRole('button', { name: 'Start replay' }).click()
    await page.getByRole('progressbar', { name: `Replay to ${agent.id}` }).waitFor()
    const row = page.getByRole('row').filter({ hasText: agent.name })
    await row.getByText('Done', { exact: true }).waitFor(waiting)
    expect(await row.getByText(`of ${lines.length}`).count()).toBe(1)
    expect(receiver.messages.slice(before).toSorted()).toEqual(lines.toSorted())
    await page.getByRole('link', { name: 'SIEM agents' }).click()
  }

  async remove(): Promise<void> {
    const page = this.#page
    await rowAction(page, agent.name, 'Delete…')
    const dialog = page.getByRole('dialog')
    await dialog.getByRole('textbox').fill(agent.name)
    await dialog.getByRole('button', { name: 'Delete' }).click()
    await page.getByText('No SIEM agents yet').waitFor()
  }

  /** Until the log has every record of the source. */
  async untilCollected(): Promise<void> {
    await vi.waitFor(async () => {
      const counts = (await this.metrics()).matchAll(/^siem_relay_records_received_total\{[^}]*\} (\d+)/gm)
      expect([...counts].reduce((sum, [, count]) => sum + Number(count), 0)).toBe(this.#source.ids.length)
    }, waiting)
  }

  /** Until both receivers together have every record that passes. */
  async untilDelivered(): Promise<void> {
    await vi.waitFor(() => {
      const arrived = new Set(this.idsArrived())
      expect(this.idsWanted().filter((id) => !arrived.has(id))).toEqual([])
    }, waiting)
  }

  idsWanted(): readonly string[] {
    return this.#source.ids.filter((id) => !this.#source.mildAlerts.includes(id))
  }

  idsArrived(): readonly string[] {
    return this.#lines().map(idOf)
  }

  async metrics(): Promise<string> {
    return (await fetch(`${this.#relay.adminUrl}/metrics`)).text()
  }

  #lines(): readonly string[] {
    return this.#receivers.flatMap(({ messages }) => messages).filter((line) => line !== this.#testMessage)
  }
}

/** The text of a block of code. */
async function textOf(within: Pick<Page, 'getByLabel'>, label: string): Promise<string> {
  return (await within.getByLabel(label, { exact: true }).locator('code').textContent()) ?? ''
}
