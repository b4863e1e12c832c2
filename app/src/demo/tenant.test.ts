import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { startTenant, tenantToken } from './tenant.ts'

const startMs = Date.UTC(2026, 0, 15, 12)

async function idsOf(url: string): Promise<readonly string[]> {
  const answer = await fetch(`${url}/api/v1/activities/`, {
    method: 'POST',
    headers: { authorization: `Token ${tenantToken}`, 'content-type': 'application/json' },
    body: JSON.stringify({ limit: 5_000, isScan: true, sortField: 'date', sortDirection: 'asc' }),
  })
  const { data } = (await answer.json()) as { data: { _id: string }[] }
  return data.map(({ _id }) => _id)
}

function temporaryDirectory(): Disposable & { readonly path: string } {
  const path = mkdtempSync(join(tmpdir(), 'siem-relay-tenant-'))
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) }
}

async function storyAt(directory: string, nowMs: number): Promise<readonly string[]> {
  await using tenant = await startTenant({ directory, nowMs: () => nowMs })
  return await idsOf(tenant.url)
}

test('a tenant that is started again tells the same story, and what has happened since', async () => {
  using directory = temporaryDirectory()
  const first = await storyAt(directory.path, startMs)
  const later = await storyAt(directory.path, startMs + 3_600_000)
  // Some of ten minutes at twenty activities a minute, and the samples.
  expect(first.length).toBeGreaterThan(50)
  expect(later.length).toBeGreaterThan(first.length + 500)
  expect(first.filter((id) => !later.includes(id))).toEqual([])
})

test('a damaged memory begins a new story', async () => {
  using directory = temporaryDirectory()
  writeFileSync(join(directory.path, 'demo.json'), '{"startMs":')
  expect((await storyAt(directory.path, startMs)).length).toBeGreaterThan(50)
})

test('a port in use is refused with its address', async () => {
  using directory = temporaryDirectory()
  await using tenant = await startTenant({ directory: directory.path, nowMs: () => startMs })
  const listen = { host: '127.0.0.1', port: Number(new URL(tenant.url).port) }
  await expect(startTenant({ directory: directory.path, nowMs: () => startMs, listen })).rejects.toMatchObject({
    code: 'RELAY_LISTEN_FAILED',
    message: expect.stringContaining(String(listen.port)),
  })
})
