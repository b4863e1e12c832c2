/** Twenty tenants in one relay, as its operator has them: a process, secret files, agents that choose tenants, and
 *  `siem-relay sources` beside it. One tenant's secret is wrong and another's API answers nothing but 429. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { SourceView } from '@siem-relay/common'
import { createGenerator, type Simulator, startSimulator } from '@siem-relay/simulator'
import { expect, test, vi } from 'vitest'
import { idOf } from '../faults/ledger.ts'
import { jsonOf, runCommand } from '../support/command.ts'
import { startRelayProcess } from '../support/process.ts'
import { type Receiver, tcpReceiver } from '../support/receivers.ts'
import { temporaryDirectory } from '../support/relay.ts'

const tenants = Array.from({ length: 20 }, (_, index) => `tenant-${String(index + 1).padStart(2, '0')}`)
const [refused, throttled, chosen] = ['tenant-07', 'tenant-13', 'tenant-04'] as const
const others = tenants.filter((tenant) => tenant !== refused && tenant !== throttled)
const secretOf = (tenant: string): string => `canary-of-${tenant}`
const oauthOf = (tenant: string) => ({
  tenantId: `${tenant}.example`,
  clientId: 'relay',
  clientSecret: secretOf(tenant),
})

test('the other eighteen deliver everything once, status names the two and the fix, and a corrected secret file is enough', {
  timeout: 180_000,
}, async () => {
  using directory = temporaryDirectory()
  await using closing = new AsyncDisposableStack()
  const make = createGenerator(20)
  const apis = new Map<string, Simulator>()
  const idsOf = (...of: readonly string[]): readonly string[] =>
    of
      .flatMap(
        (tenant) =>
          apis
            .get(tenant)
            ?.store.all('alerts')
            .map(({ _id }) => _id) ?? [],
      )
      .toSorted()
  const add = (tenant: string, count: number): void => {
    for (let n = 0; n < count; n++) apis.get(tenant)?.store.addAlert(make.alert(Date.now() - n))
  }
  const secretFile = (tenant: string): string => join(directory.path, `${tenant}.secret`)
  for (const tenant of tenants) {
    const api = closing.use(await startSimulator({ oauth: oauthOf(tenant) }))
    apis.set(tenant, api)
    add(tenant, 5)
    writeFileSync(secretFile(tenant), tenant === refused ? 'canary-of-nobody' : secretOf(tenant), { mode: 0o600 })
  }
  for (const route of ['alerts', 'activities'] as const)
    apis.get(throttled)?.faults.add({ type: 'throttle' }, { route, times: Number.POSITIVE_INFINITY })

  const everything = closing.use(await tcpReceiver('octet-counting'))
  const one = closing.use(await tcpReceiver('octet-counting'))
  const agent = (id: string, { port }: Receiver, more: object = {}): object => ({
    id,
    syslog: { host: '127.0.0.1', port, framing: 'octet-counting', checkpointSeconds: 0.2 },
    ...more,
  })
  const relay = await startRelayProcess(directory.path, {
    sources: tenants.map((tenant) => {
      const { clientSecret: _, ...oauth } = oauthOf(tenant)
      const { url, tokenUrl } = apis.get(tenant) as Simulator
      return {
        id: tenant,
        type: 'defender-for-cloud-apps',
        url,
        auth: { type: 'oauth', ...oauth, clientSecretFile: secretFile(tenant), tokenUrl },
        collect: { activities: false },
        pollSeconds: 3,
      }
    }),
    agents: [agent('all', everything), agent('one', one, { tenants: [chosen] })],
  })
  closing.defer(async () => {
    if (relay.child.exitCode === null) await relay.kill('SIGKILL')
  })
  const received = (receiver: Receiver): readonly string[] => receiver.messages.map(idOf).toSorted()
  const hasAll = (ids: readonly string[]) => (messages: readonly string[]) =>
    messages.length >= ids.length && new Set(messages.map(idOf)).size >= ids.length
  await everything.until(hasAll(idsOf(...others)))
  for (const tenant of others) add(tenant, 2)
  await everything.until(hasAll(idsOf(...others)))
  await one.until(hasAll(idsOf(chosen)))
  expect(received(everything)).toEqual(idsOf(...others))
  expect(received(one)).toEqual(idsOf(chosen))

  const views = await jsonOf<readonly SourceView[]>(directory.path, 'sources')
  expect(views.map(({ id, reported }) => `${id} ${reported}`)).toEqual(tenants.map((tenant) => `${tenant} fresh`))
  expect(views.flatMap(({ id, lastError }) => (lastError === undefined ? [] : [[id, lastError.code]]))).toEqual([
    [refused, 'RELAY_SOURCE_AUTH'],
    [throttled, 'RELAY_SOURCE_THROTTLED'],
  ])
  const { code, out, err } = await runCommand(directory.path, 'sources')
  expect([code, err]).toEqual([0, ''])
  expect(out).toMatch(/^20 sources: 18 collecting, 1 error, 1 starting\n/)
  expect(out).toMatch(
    /^tenant-07: error\n {2}RELAY_SOURCE_AUTH, .*AADSTS7000215[^→]*→ Check the source's credentials/ms,
  )
  expect(out).toMatch(/^tenant-13: starting\n {2}RELAY_SOURCE_THROTTLED, [^→]*→ [^→]*lower requestsPerMinute/ms)
  expect(out.split('\n').filter((line) => line.length > 80)).toEqual([])
  expect(out + JSON.stringify(views)).not.toContain('canary')

  // The operator does what it says.
  const tokensOf = (tenant: string): number =>
    apis.get(tenant)?.requests.filter(({ route }) => route === 'token').length ?? 0
  writeFileSync(secretFile(refused), secretOf(refused), { mode: 0o600 })
  await everything.until(hasAll(idsOf(...others, refused)))
  expect(received(everything)).toEqual(idsOf(...others, refused))
  // One that was started anew would have asked for another token.
  expect(others.map(tokensOf)).toEqual(others.map(() => 1))
  await vi.waitFor(
    async () =>
      expect((await runCommand(directory.path, 'sources')).out).toMatch(/^20 sources: 19 collecting, 1 starting/),
    { timeout: 20_000, interval: 100 },
  )
  expect(await relay.kill('SIGTERM')).toBe(0)

  // Without a relay the log still says how they were.
  const after = await runCommand(directory.path, 'sources')
  expect(after.err).toBe('No relay runs on this log: nothing is collected.\n')
  expect(after.out).toMatch(/^20 sources: 19 collecting, 1 starting/)
})
