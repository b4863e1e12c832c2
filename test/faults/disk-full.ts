/** A disk that fills up: nothing acknowledged is lost, polling stops with a clear state, and goes on by itself once there is space.
 *  Needs root, for a small tmpfs. */
import { execFileSync } from 'node:child_process'
import { mkdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { startRelayProcess } from '../support/process.ts'
import { tcpReceiver } from '../support/receivers.ts'
import { temporaryDirectory } from '../support/relay.ts'
import { embeddedLog, idOf, inspect } from './ledger.ts'
import type { Report } from './report.ts'
import { startFaultSource } from './source.ts'

const megabyte = 1_048_576

/** @param leaveBytes what is left free: above zero the low-water mark acts; at zero SQLite itself meets the full disk. */
export async function diskFull(leaveBytes: number, seed: number): Promise<Report> {
  using directory = temporaryDirectory()
  const disk = join(directory.path, 'disk')
  mkdirSync(disk)
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64m', 'tmpfs', disk])
  try {
    await using source = await startFaultSource(seed)
    await using receiver = await tcpReceiver('octet-counting')
    const relay = await startRelayProcess(directory.path, {
      bus: { path: join(disk, 'log'), freeBytesMin: 8 * megabyte },
      sources: [source.config],
      agents: [
        {
          id: 'siem',
          syslog: {
            host: '127.0.0.1',
            port: receiver.port,
            protocol: 'tcp',
            framing: 'octet-counting',
            checkpointSeconds: 0.5,
          },
        },
      ],
    })
    source.add(2_000)
    await receiver.until((messages) => messages.length >= 2_200)
    const ballast = join(disk, 'ballast')
    const { bavail, bsize } = statfsSync(disk)
    writeFileSync(ballast, Buffer.alloc(Math.max(0, bavail * bsize - leaveBytes)))
    source.add(2_000)
    await until(async () => (await readiness(relay.adminUrl)).includes('[-] log:'))
    const state = (await readiness(relay.adminUrl)).split('\n').find((line) => line.includes('log:')) ?? ''
    rmSync(ballast)
    const missing = new Set(source.ids)
    let checked = 0
    await receiver.until((messages) => {
      for (; checked < messages.length; checked++) missing.delete(idOf(messages[checked] ?? ''))
      return missing.size === 0
    })
    const code = await relay.kill('SIGTERM')
    const findings = await inspect({
      open: embeddedLog(join(disk, 'log')),
      tenant: 'contoso',
      agent: 'siem',
      sourceIds: source.ids,
      received: receiver.messages,
    })
    return {
      name:
        leaveBytes > 0
          ? 'disk below its low-water mark, then free again'
          : 'disk full to the last byte, then free again',
      findings,
      extra: { state: JSON.stringify(state), exitCodeAtTheEnd: code },
      passed:
        findings.missingRaw +
          findings.repeatedRaw +
          findings.missingOut +
          findings.repeatedOut +
          findings.lost +
          findings.outOfOrder ===
          0 && code === 0,
    }
  } finally {
    execFileSync('umount', ['-l', disk])
  }
}

async function readiness(adminUrl: string): Promise<string> {
  return (await fetch(`${adminUrl}/readyz?verbose`)).text()
}

async function until(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 100))
}
