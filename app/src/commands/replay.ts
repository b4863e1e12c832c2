/** `siem-relay replay`: sends a time of the log again to one agent. The relay does it; the command asks, counts and watches. */
import { RelayError, type ReplayPlan, replayMessagesPerSecondDefault } from '@siem-relay/common'
import type { Control, ReplayStatus } from '@siem-relay/control'
import type { OpenedControl } from '../control/open.ts'
import type { Terminal } from '../terminal.ts'
import { followReplay } from './replay-follow.ts'
import { planText, planView, statusText, statusView } from './replay-text.ts'
import { parseTime } from './time.ts'
import { type ControlOptions, withControl } from './with-control.ts'

export interface ReplayCommandOptions extends ControlOptions {
  readonly agent?: string
  readonly from?: string
  readonly to?: string
  readonly dryRun?: boolean
  readonly fromRaw?: boolean
  readonly rate?: number
  readonly mark?: boolean
  readonly detach?: boolean
  readonly follow?: string
  readonly cancel?: string
  readonly list?: boolean
  readonly json?: boolean
}

/** @throws {RelayError} `RELAY_USAGE`, `RELAY_CONTROL_FAILED`, and what opening the log throws. */
export async function replay(options: ReplayCommandOptions, terminal: Terminal): Promise<void> {
  checkOptions(options)
  await withControl(options, terminal, async (opened) => {
    const { control } = opened
    if (options.list === true) return list(control, options, terminal)
    if (options.cancel !== undefined) return show(await control.cancelReplay(options.cancel), options, terminal)
    if (options.follow !== undefined) return follow(opened, options.follow, options, terminal)
    return start(opened, options, terminal)
  })
}

function checkOptions({ agent, from, list: isList, follow: followed, cancel }: ReplayCommandOptions): void {
  const modes = [agent !== undefined, isList === true, followed !== undefined, cancel !== undefined]
  if (modes.filter(Boolean).length !== 1)
    throw new RelayError('RELAY_USAGE', 'give one of: --agent ID --from TIME, --follow ID, --cancel ID, --list')
  if (agent !== undefined && from === undefined)
    throw new RelayError('RELAY_USAGE', '--from is missing: the time from which on records go out again')
}

async function list(control: Control, { json }: ReplayCommandOptions, { stdout }: Terminal): Promise<void> {
  const statuses = await control.replays()
  if (json === true) stdout.write(`${JSON.stringify(statuses.map(statusView))}\n`)
  else if (statuses.length === 0) stdout.write('no replays\n')
  else for (const status of statuses) stdout.write(`${statusText(status)}\n`)
}

function show(status: ReplayStatus, { json }: ReplayCommandOptions, { stdout }: Terminal): void {
  stdout.write(json === true ? `${JSON.stringify(statusView(status))}\n` : `${statusText(status)}\n`)
}

async function start(opened: OpenedControl, options: ReplayCommandOptions, terminal: Terminal): Promise<void> {
  const { control, isAlone } = opened
  const plan = await control.countReplay(requestOf(options))
  if (options.dryRun === true || plan.records === 0) return tellPlan(plan, options, terminal)
  const job = await control.startReplay(plan)
  if (options.json !== true) terminal.stdout.write(`${planText(plan, 'go')}\nreplay ${job.id}\n`)
  if (isAlone) terminal.stderr.write('No relay runs on this log: the replay begins with the next `siem-relay run`.\n')
  if (isAlone || options.detach === true) {
    if (options.json === true) show({ job, share: 0, replayed: 0 }, options, terminal)
    return
  }
  await follow(opened, job.id, options, terminal)
}

function requestOf({ agent = '', from = '', to = 'now', fromRaw, rate, mark }: ReplayCommandOptions) {
  const nowMs = Date.now()
  return {
    agent,
    fromMs: parseTime('--from', from, nowMs),
    toMs: parseTime('--to', to, nowMs),
    source: fromRaw === true ? ('raw' as const) : ('out' as const),
    messagesPerSecondMax: rate ?? replayMessagesPerSecondDefault,
    mark: mark === true,
  }
}

function tellPlan(plan: ReplayPlan, { json }: ReplayCommandOptions, { stdout }: Terminal): void {
  stdout.write(
    json === true
      ? `${JSON.stringify({ ...planView(plan), state: 'not started' })}\n`
      : `${planText(plan, 'would go')}\n`,
  )
}

async function follow(
  { control, isAlone }: OpenedControl,
  id: string,
  options: ReplayCommandOptions,
  terminal: Terminal,
): Promise<void> {
  const status = await followReplay(control, id, terminal, { isOnce: isAlone })
  if (isAlone && status.job.state === 'running')
    terminal.stderr.write('No relay runs on this log: the replay goes on with the next `siem-relay run`.\n')
  show(status, options, terminal)
  if (status.job.state === 'failed' || status.job.state === 'cancelled') terminal.setExitCode(1)
}
