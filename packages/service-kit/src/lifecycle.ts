/** A process from its start to its exit code: signals, draining, and what happens when something fails. Crash-only: a broken
 *  process ends, its supervisor starts it again, and the log says where to go on. What runs is the caller's. */
import { type Clock, dispositionOf, RelayError } from '@siem-relay/common'
import type { Logger } from 'pino'
import { systemClock } from './clock.ts'
import { ConfigError } from './config/problems.ts'
import type { Running } from './world.ts'

/** EX_CONFIG of sysexits.h. */
const exitConfig = 78
/** 128 + the signal's number: what a shell reports for a process that a signal ended. */
const exitCodes = { SIGINT: 130, SIGTERM: 143 } as const
/** Over the time for draining: for closing the log and flushing. With the default, a process ends within 10 s. */
const closeMs = 1_500

type StopSignal = keyof typeof exitCodes

/** The parts of `process` used here. */
export interface ProcessLike {
  readonly stderr: { write(text: string): unknown }
  on(event: string, listener: (value: unknown) => void): unknown
  off(event: string, listener: (value: unknown) => void): unknown
  exit(code: number): unknown
}

/** What runs, and optionally what it still has to deliver, for the log line of a process that could not wait for it. */
export type ProcessWork = Running & { undrained?(): readonly string[] }

export interface StartContext {
  /** Aborted at the first signal, before anything is stopped: a start may give up, readiness turns false. */
  readonly signal: AbortSignal
  /** Events of the process go there from now on; before, they are plain lines on standard error. */
  useLog(log: Pick<Logger, 'info' | 'warn' | 'fatal'>): void
  /** SIGHUP calls this from now on; before, it ends the process as it always does. */
  useHangup(onHangup: () => void): void
}

export interface ProcessOptions {
  readonly start: (context: StartContext) => Promise<ProcessWork>
  readonly drainMs?: number
  readonly process?: ProcessLike
  readonly clock?: Clock
}

/**
 * Runs until a signal or a failure, then exits:
 * 0 after the first SIGINT or SIGTERM (`stop(drainMs)`, and 1.5 s later at the latest, drained or not); 130 or 143 at the second;
 * 78 for a configuration that cannot be used; 1 for everything else.
 * @returns the exit code it asked for; in a real process nobody is left to read it.
 */
export async function runProcess(options: ProcessOptions): Promise<number> {
  const { start, drainMs = 8_000, clock = systemClock } = options
  const target: ProcessLike = options.process ?? process
  const stopping = new AbortController()
  const { promise: exited, resolve: ended } = Promise.withResolvers<number>()
  let log: Parameters<StartContext['useLog']>[0] | undefined
  let exitCode: number | undefined

  function exit(code: number): void {
    if (exitCode !== undefined) return
    exitCode = code
    clearInterval(keepAlive)
    for (const [event, listener] of listeners) target.off(event, listener)
    ended(code)
    target.exit(code)
  }

  function report(level: 'info' | 'warn' | 'fatal', fields: Record<string, unknown>, message: string): void {
    if (log !== undefined) log[level](fields, message)
    else if (level !== 'info') target.stderr.write(`siem-relay: ${plainLine(fields, message)}\n`)
  }

  /** Errors made for the operator are one line; the others are bugs or surprises and need their stack. */
  function fail(error: unknown, message: string): void {
    if (exitCode !== undefined) return
    try {
      if (error instanceof RelayError) {
        const { code, nextMove } = error
        if (log === undefined || error instanceof ConfigError) target.stderr.write(`${startErrorText(error)}\n`)
        else log.fatal({ code, reason: error.message, nextMove, disposition: dispositionOf(error) }, message)
      } else report('fatal', { err: error }, message)
    } finally {
      // Also when the report itself fails, such as on a closed pipe: an error here must not come back as a new one.
      exit(exitCodeOf(error))
    }
  }

  function onSignal(signal: StopSignal): void {
    if (stopping.signal.aborted) {
      exit(exitCodes[signal])
      return
    }
    report('info', { signal, drainMs }, 'stopping')
    stopping.abort(new Error(`stopped by ${signal}`))
    void drain()
  }

  async function drain(): Promise<void> {
    const done = new AbortController()
    clock.sleep(drainMs + closeMs, done.signal).then(
      () => {
        const undrained = work?.undrained?.() ?? []
        report(
          'warn',
          { undrained, waitedMs: drainMs + closeMs },
          'stopped without having drained; the log keeps the rest',
        )
        exit(0)
      },
      () => undefined,
    )
    try {
      work ??= await starting.catch(() => undefined)
      await work?.stop(drainMs)
      report('info', {}, 'stopped')
      exit(0)
    } catch (error) {
      fail(error, 'stopping failed')
    } finally {
      done.abort()
    }
  }

  const listeners: (readonly [string, (value: unknown) => void])[] = [
    ['SIGINT', () => onSignal('SIGINT')],
    ['SIGTERM', () => onSignal('SIGTERM')],
    ['unhandledRejection', (error) => fail(error, 'a promise was rejected and nobody handled it')],
    ['uncaughtException', (error) => fail(error, 'an error was thrown and nobody caught it')],
  ]
  for (const [event, listener] of listeners) target.on(event, listener)
  // Waiting for a timer that does not hold the process is not a reason to end it.
  const keepAlive = setInterval(() => undefined, 2 ** 30)

  let work: ProcessWork | undefined
  const context: StartContext = {
    signal: stopping.signal,
    useLog: (given) => {
      log = given
    },
    useHangup: (onHangup) => {
      if (exitCode !== undefined) return
      listeners.push(['SIGHUP', onHangup])
      target.on('SIGHUP', onHangup)
    },
  }
  const starting = Promise.try(() => start(context))
  try {
    work = await starting
    await Promise.race([work.failed, exited])
  } catch (error) {
    // While stopping, parts that stop may fail others; the drain decides how it ends.
    if (!stopping.signal.aborted) fail(error, work === undefined ? 'the start failed' : 'a service failed')
    else if (work !== undefined) report('warn', { err: error }, 'a service failed while stopping')
  }
  return exited
}

/** What a process that ends with this error exits with: 78 for a configuration or a token that cannot be used, 2 for a wrong command
 *  line, else 1. */
export function exitCodeOf(error: unknown): number {
  if (!(error instanceof RelayError)) return 1
  if (error.code === 'RELAY_CONFIG_INVALID' || error.code === 'RELAY_AGENT_TOKEN') return exitConfig
  return error.code === 'RELAY_USAGE' ? 2 : 1
}

function startErrorText(error: RelayError): string {
  if (error instanceof ConfigError) return error.message
  return `siem-relay: ${error.message}\n${error.nextMove}`
}

function plainLine(fields: Record<string, unknown>, message: string): string {
  const { err, ...others } = fields
  const cause = err instanceof Error ? `: ${err.stack ?? err.message}` : err === undefined ? '' : `: ${String(err)}`
  return `${message}${Object.keys(others).length > 0 ? ` ${JSON.stringify(others)}` : ''}${cause}`
}
