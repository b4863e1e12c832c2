import { mkdtempSync, rmSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { busSchema } from './config/bus.ts'
import { openForCommand } from './open-for-command.ts'

const kafkaAt = (port: number) => ({ bus: busSchema.parse({ type: 'kafka', brokers: [`127.0.0.1:${port}`] }) })

test('a command opens the embedded log', async () => {
  const path = mkdtempSync(join(tmpdir(), 'siem-relay-open-'))
  try {
    const opened = await openForCommand({ bus: busSchema.parse({ path }) })
    await using bus = opened.bus
    expect([opened.kind, bus.intake()]).toEqual(['sqlite', { open: true }])
  } finally {
    rmSync(path, { recursive: true, force: true })
  }
})

test.each([
  ['is not there', undefined],
  ['takes connections and says nothing', createServer()],
])('a command gives up on a cluster that %s, and names its brokers', async (_, server) => {
  const port = await new Promise<number>((resolve) => {
    const listening = server ?? createServer()
    listening.listen(0, '127.0.0.1', () => {
      const { port: bound } = listening.address() as AddressInfo
      if (server === undefined) listening.close(() => resolve(bound))
      else resolve(bound)
    })
  })
  try {
    await expect(openForCommand(kafkaAt(port), AbortSignal.timeout(100))).rejects.toMatchObject({
      code: 'RELAY_BUS_UNREACHABLE',
      message: `no broker of 127.0.0.1:${port} answers; the command gave up`,
    })
  } finally {
    server?.close()
  }
})
