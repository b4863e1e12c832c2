import { systemClock } from '@siem-relay/service-kit'
import { describe, expect, test } from 'vitest'
import { openDatabase } from '../access/database.ts'
import { setUpPortal, signInTo, testPassword } from '../testing/browser.ts'
import { startTestPortal } from '../testing/portal.ts'
import { AgentStore } from './store.ts'
import { Tokens } from './tokens.ts'

const remote = (id: string): object => ({
  definition: { id, name: id.toUpperCase(), remote: true, syslog: { host: '10.0.0.5', port: 514 } },
})

async function started() {
  const made = await startTestPortal()
  const ada = await setUpPortal(made.portal)
  const database = openDatabase(made.directory)
  const store = await AgentStore.open(made.world)
  const tokens = new Tokens(store, database, made.world.clock)
  return {
    ...made,
    ada,
    store,
    tokens,
    [Symbol.asyncDispose]: async () => {
      await store[Symbol.asyncDispose]()
      database.close()
      await made[Symbol.asyncDispose]()
    },
  }
}

describe('a token', () => {
  test('is told once, and names its agent', async () => {
    await using made = await started()
    const answer = await made.ada.call('POST', '/agents', remote('hk_soc'))
    const { token } = answer.body
    expect(token).toMatch(/^sra_hk_soc_[A-Za-z0-9_-]{43}$/)
    expect(made.tokens.verify(token)).toMatchObject({ agent: { id: 'hk_soc' }, owner: 'ada' })
    for (const path of ['/agents', '/agents/hk_soc', '/audit', '/accounts'])
      expect(JSON.stringify((await made.ada.call('GET', path)).body)).not.toContain(token.slice(-43))
    expect(made.tokens.lastUsedMs(made.tokens.verify(token)?.tokenId ?? '')).toBe(made.world.clock.nowMs())
  })

  test('ends at once when it is revoked or replaced, also for who is connected with it', async () => {
    await using made = await started()
    const { token } = (await made.ada.call('POST', '/agents', remote('hk'))).body
    const ended: string[] = []
    const holder = made.tokens.verify(token)
    if (holder === undefined) throw new Error('the token is not known')
    made.tokens.onEnd(holder, () => ended.push('ended'))
    const next = (await made.ada.call('POST', '/agents/hk/token')).body.token
    await expect.poll(() => made.tokens.verify(token)).toBeUndefined()
    expect(ended).toEqual(['ended'])
    expect(made.tokens.verify(next)).toBeDefined()
    expect((await made.ada.call('DELETE', '/agents/hk/token')).status).toBe(204)
    await expect.poll(() => made.tokens.verify(next)).toBeUndefined()
    const { notifications } = (await made.ada.call('GET', '/agents/hk')).body
    expect(notifications.map(({ kind }: { kind: string }) => kind)).toContain('token-missing')
  })

  test('ends with the account that made it, unless another admin takes it over', async () => {
    await using made = await started()
    const { ada } = made
    await ada.call('POST', '/accounts', { name: 'bob', role: 'admin', password: testPassword })
    const bob = await signInTo(made.portal.url, 'bob')
    const kept = (await bob.call('POST', '/agents', remote('kept'))).body.token
    expect((await ada.call('GET', '/accounts')).body.accounts).toMatchObject([
      { name: 'ada', tokensOf: [] },
      { name: 'bob', tokensOf: [{ id: 'kept', name: 'KEPT' }] },
    ])
    await ada.call('POST', '/agents/kept/token/owner')
    const lost = (await bob.call('POST', '/agents', remote('lost'))).body.token
    expect((await ada.call('DELETE', '/accounts/bob', { takeOverTokens: false })).status).toBe(204)
    await expect.poll(() => made.tokens.verify(lost)).toBeUndefined()
    expect(made.tokens.verify(kept)).toMatchObject({ owner: 'ada' })

    await ada.call('POST', '/accounts', { name: 'cat', role: 'admin', password: testPassword })
    const cat = await signInTo(made.portal.url, 'cat')
    const taken = (await cat.call('POST', '/agents/lost/token')).body.token
    expect((await ada.call('DELETE', '/accounts/cat', { takeOverTokens: true })).status).toBe(204)
    await expect.poll(() => made.tokens.verify(taken)?.owner).toBe('ada')
  })

  test.each([
    [''],
    ['sra_'],
    ['sra_hk'],
    ['sra_hk_'],
    [`sra_hk_${'A'.repeat(43)}`],
    [`sra_nobody_${'A'.repeat(43)}`],
    [`sra_hk_${'A'.repeat(1_000_000)}`],
    [`sra_hk_${'é'.repeat(43)}`],
    ['sra___proto___x'],
  ])('that is none (%#) opens nothing', async (token) => {
    await using made = await started()
    await made.ada.call('POST', '/agents', remote('hk'))
    expect(made.tokens.verify(token)).toBeUndefined()
  })

  test('of one agent does not open another', async () => {
    await using made = await started()
    const { token } = (await made.ada.call('POST', '/agents', remote('one'))).body
    await made.ada.call('POST', '/agents', remote('two'))
    expect(made.tokens.verify(token.replace('sra_one_', 'sra_two_'))).toBeUndefined()
  })
})

describe('two portals', () => {
  test('that change one agent at once lose no change', async () => {
    await using made = await started()
    await made.ada.call('POST', '/agents', remote('hk'))
    const world = { bus: made.bus, clock: systemClock, random: Math.random }
    await using one = await AgentStore.open(world)
    await using other = await AgentStore.open(world)
    const add = (store: AgentStore) =>
      store.change('hk', (before) => {
        if (before === undefined) throw new Error('gone')
        return { ...before, revision: before.revision + 1 }
      })
    await Promise.all(Array.from({ length: 20 }, (_, n) => add(n % 2 === 0 ? one : other)))
    await expect.poll(() => made.store.get('hk')?.stored?.revision).toBe(21)
  })

  test('tell each other of changes', async () => {
    await using made = await started()
    const other = await made.another()
    const bob = await setUpPortal(other)
    await made.ada.call('POST', '/agents', remote('hk'))
    await expect.poll(async () => (await bob.call('GET', '/agents/hk')).status).toBe(200)
    const stale = await bob.call('PUT', '/agents/hk', { revision: 9, ...remote('hk') })
    expect(stale.status).toBe(409)
  })
})
