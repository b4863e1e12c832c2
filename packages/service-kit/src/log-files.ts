/** A log file per process with size-bounded rotation: `<service>-<instance>.log`, then `.1` (newest) to `.4`. Writing never
 *  fails the relay: a line that cannot be written is left out and counted in the next one that can. */
import { closeSync, fstatSync, openSync, readdirSync, renameSync, rmSync, statSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { makeDirectory } from '@siem-relay/bus'
import { RelayError } from '@siem-relay/common'

export interface LogFileSettings {
  readonly directory: string
  readonly service: string
  readonly instance: string
  readonly bytesMax?: number
  readonly filesMax?: number
  /** Files of one service that stay in the directory, over all instances that ever ran; the oldest go at the start. */
  readonly keptMax?: number
}

interface LogFile {
  write(line: string): void
  close(): void
}

/**
 * Opens the file, making the directory when needed.
 * @throws {RelayError} `RELAY_CONFIG_INVALID` when the directory or the file cannot be written.
 */
export function openLogFile(settings: LogFileSettings): LogFile {
  const { directory, bytesMax = 10_485_760, filesMax = 5, keptMax = 25 } = settings
  const service = fileNameOf(settings.service)
  const path = join(directory, `${service}-${fileNameOf(settings.instance)}.log`)
  let file: number | undefined
  let bytes = 0
  let leftOut = 0

  function open(): void {
    file = openSync(path, 'a', 0o640)
    bytes = fstatSync(file).size
  }

  function rotate(): void {
    close()
    for (let index = filesMax - 1; index > 0; index--) {
      const from = index === 1 ? path : `${path}.${index - 1}`
      if (exists(from)) renameSync(from, `${path}.${index}`)
    }
    if (filesMax === 1) rmSync(path, { force: true })
    open()
  }

  function close(): void {
    if (file === undefined) return
    const descriptor = file
    file = undefined
    closeSync(descriptor)
  }

  try {
    makeDirectory(directory, 0o750)
    open()
    removeOldest(directory, service, keptMax)
  } catch (cause) {
    throw new RelayError(
      'RELAY_CONFIG_INVALID',
      `log files cannot be written in ${directory} (${errnoOf(cause)}): make it writable for this user, or choose another logs directory`,
      { cause },
    )
  }

  return {
    write(line) {
      const text =
        leftOut === 0 ? line : `${JSON.stringify({ level: 'warn', leftOut, msg: 'log lines left out' })}\n${line}`
      const size = Buffer.byteLength(text)
      try {
        if (file === undefined) open()
        if (bytes > 0 && bytes + size > bytesMax) rotate()
        if (file !== undefined) writeSync(file, text)
        bytes += size
        leftOut = 0
      } catch {
        // A full disk: the other destination still has the line, and the next one tries again on a fresh descriptor.
        leftOut += 1
        closeQuietly()
      }
    },
    close: closeQuietly,
  }

  function closeQuietly(): void {
    try {
      close()
    } catch {
      // Nothing more can be done for this descriptor.
    }
  }
}

/** Instances get new names at every start in containers; without this their files would pile up. */
function removeOldest(directory: string, service: string, keptMax: number): void {
  const files = readdirSync(directory)
    .filter((name) => name.startsWith(`${service}-`) && /\.log(\.\d+)?$/.test(name))
    .map((name) => ({ path: join(directory, name), changedMs: statSync(join(directory, name)).mtimeMs }))
    .sort((left, right) => right.changedMs - left.changedMs)
  for (const { path } of files.slice(keptMax)) rmSync(path, { force: true })
}

/** Host and service names become file names: nothing that leads out of the directory. */
function fileNameOf(text: string): string {
  return text.replace(/[^A-Za-z0-9_.-]/g, '_').slice(0, 100)
}

function exists(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false }) !== undefined
}

function errnoOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : String(error)
}
