/** The stack of docker-compose.yml, really run. One stack, facts in the order of its life. */
import { chmodSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { sampleLines } from '@siem-relay/simulator'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { idOf } from '../faults/ledger.ts'
import { DocPage } from '../support/doc-page.ts'
import { temporaryDirectory } from '../support/relay.ts'
import { Compose, docker } from './compose.ts'
import { Portal, Received, recordIds, repeatedIn, repeatedSince } from './ledger.ts'

const services = ['collector', 'formatter', 'syslog-sender', 'sentinel-sender', 'portal']

let compose: Compose
let received: Received
let portal: Portal

beforeAll(async () => {
  compose = await Compose.open()
  received = new Received(compose)
  portal = new Portal(compose)
  // Once: all services have one image, and an engine without BuildKit would make it five times at once.
  await compose.run('build', 'collector')
  await compose.up()
}, 900_000)

afterAll(async () => {
  await compose?.[Symbol.asyncDispose]()
}, 120_000)

/** Waits until everything the tenant has at this moment is at the receiver, each alert of two products once. */
async function everythingHasArrived(): Promise<void> {
  const ids = await recordIds(await compose.url('simulator', 8090))
  expect(ids.size).toBeGreaterThan(100)
  await compose.eventually('every record is at the receiver', async () => {
    const arrived = new Set([...(await received.ids()), ...(await portal.leftOut('receiver'))])
    const missing = [...ids].filter((id) => !arrived.has(id))
    if (missing.length > 0) throw new Error(`${missing.length} of ${ids.size} missing, such as ${missing[0]}`)
    return true
  })
}

interface Target {
  readonly health: string
  readonly lastError: string
  readonly labels: { readonly job: string }
}

async function targets(job: string): Promise<readonly Target[]> {
  const answer = await fetch(`${await compose.url('prometheus', 9090)}/api/v1/targets?state=active`)
  const { data } = (await answer.json()) as { data: { activeTargets: Target[] } }
  return data.activeTargets.filter(({ labels }) => labels.job === job)
}

/** Partitions each member of the sender's group has. */
async function partitionsPerMember(): Promise<readonly number[]> {
  const kafka = (...args: readonly string[]): Promise<string> =>
    compose.run(
      'exec',
      '-T',
      'kafka',
      '/opt/kafka/bin/kafka-consumer-groups.sh',
      '--bootstrap-server',
      'localhost:9092',
      ...args,
    )
  const group = (await kafka('--list')).split('\n').find((name) => name.endsWith('sender.receiver'))
  const table = await kafka('--describe', '--members', '--group', group ?? 'sender.receiver')
  return table
    .split('\n')
    .filter((line) => /\s\d+\s*$/.test(line))
    .map((line) => Number(/(\d+)\s*$/.exec(line)?.[1]))
}

test('records of the tenant arrive at the receiver as lines, the twelve samples among them', async () => {
  await everythingHasArrived()
  const ids = await received.ids()
  expect(ids).toEqual(expect.arrayContaining(sampleLines().map(({ line }) => idOf(line))))
  expect(repeatedIn(ids)).toEqual([])
})

test('alerts and activities of the tenant are rows in the simulated Microsoft Sentinel, which lost nothing of them', async () => {
  const ids = await recordIds(await compose.url('simulator', 8090))
  await compose.eventually('every record is stored', async () => {
    const rows = (await compose.logs('simulator'))
      .split('\n')
      .filter((line) => line.startsWith('{"table":'))
      .map(
        (line) => JSON.parse(line) as { row: Record<string, string>; droppedColumns?: object; nulledColumns?: object },
      )
    expect(rows.filter(({ droppedColumns, nulledColumns }) => droppedColumns ?? nulledColumns)).toEqual([])
    const stored = new Set(rows.map(({ row }) => row.VendorOriginalId ?? row.ExtID))
    for (const id of await portal.leftOut('sentinel')) stored.add(id)
    const missing = [...ids].filter((id) => !stored.has(id))
    if (missing.length > 0) throw new Error(`${missing.length} of ${ids.size} missing, such as ${missing[0]}`)
    return true
  })
})

test('the portal shows the demo: three sources, alerts both products reported, Cloud Discovery', async () => {
  await compose.eventually('all of it is there', async () => {
    const { sources } = await portal.get<{ sources: readonly { id: string; state: string }[] }>('/sources')
    expect(sources.map(({ id, state }) => `${id} ${state}`)).toEqual(
      ['demo', 'demo-identity', 'demo-discovery'].map((id) => `${id} collecting`),
    )
    const { apps, users } = await portal.get<{ apps: number; users: number }>('/discovery/summary')
    expect(Math.min(apps, users)).toBeGreaterThan(0)
    const leftOut = await portal.leftOut('receiver')
    expect(leftOut.size).toBeGreaterThan(10)
    const lines = await received.ids()
    expect(lines.filter((id) => leftOut.has(id))).toEqual([])
    return true
  })
})

test('every container of the relay runs without root, on a file system it cannot write', async () => {
  for (const service of [...services, 'simulator', 'receiver']) {
    expect(await compose.run('exec', '-T', service, 'id', '-u')).toBe('1000\n')
    expect((await compose.try('exec', '-T', service, 'touch', '/siem-relay/x')).code).not.toBe(0)
  }
})

describe('Prometheus', () => {
  test.each(services)('asks %s', async (service) => {
    await compose.eventually(`Prometheus reaches ${service}`, async () => {
      const [target] = await targets(service)
      if (target?.lastError) throw new Error(target.lastError)
      return target?.health === 'up' ? true : undefined
    })
  })

  test('takes the rules, and their tests pass', async () => {
    const answer = await fetch(`${await compose.url('prometheus', 9090)}/api/v1/rules`)
    const { data } = (await answer.json()) as { data: { groups: { rules: { name: string; health: string }[] }[] } }
    const rules = data.groups.flatMap((group) => group.rules)
    expect(rules.length).toBeGreaterThan(10)
    expect(rules.filter(({ health }) => health === 'err')).toEqual([])
    const [container] = (await compose.run('ps', '--quiet', 'prometheus')).split('\n')
    const { code, out, err } = await docker(
      'exec',
      container ?? '',
      'promtool',
      'test',
      'rules',
      '/etc/prometheus/tests/siem-relay.test.yml',
    )
    expect(`${out}${err}`).toContain('SUCCESS')
    expect(code).toBe(0)
  }, 60_000)

  test('has the balance: once nothing new comes in, everything formatted is delivered', async () => {
    // Numbers are scraped one after another: they agree when they stand still.
    await compose.run('stop', 'collector')
    const query =
      'sum by (agent) (siem_relay_messages_formatted_total) - sum by (agent) (siem_relay_messages_delivered_total)'
    await compose.eventually('the balance is even', async () => {
      const url = `${await compose.url('prometheus', 9090)}/api/v1/query?query=${encodeURIComponent(query)}`
      const { data } = (await (await fetch(url)).json()) as {
        data: { result: { metric: { agent: string }; value: [number, string] }[] }
      }
      const missing = data.result.map(({ metric, value }) => `${metric.agent}: ${value[1]}`).toSorted()
      if (missing.join() !== 'receiver: 0,sentinel: 0') throw new Error(missing.join(', '))
      return true
    })
    await compose.up()
  })
})

test('doctor in the sender sees the whole way to Azure, and validate takes the configuration before a start', async () => {
  const doctor = await compose.run('exec', '-T', 'sentinel-sender', 'siem-relay', 'doctor', 'sentinel')
  expect(doctor).toMatch(/^ *token +ok /m)
  expect(doctor).toMatch(/^ *stream alerts +ok /m)
  const { code, out, err } = await compose.try('run', '--rm', '--no-deps', '-T', 'collector', 'validate')
  expect(out + err).toMatch(/valid/)
  expect(code).toBe(0)
})

test('the image alone, on the embedded log, started as docs/operating/docker.md says, is healthy', async () => {
  using directory = temporaryDirectory()
  const file = join(directory.path, 'siem-relay.yaml')
  chmodSync(directory.path, 0o755)
  writeFileSync(file, 'agents: [{ id: soc, console: true }]\n')
  const name = `${compose.project}-alone`
  const words = new DocPage('docs/operating/docker.md').command('docker run').text.split(' ')
  const mine = words.map((word) => word.replace('./siem-relay.yaml', file).replace(/^siem-relay(?=$|:)/, name))
  expect(mine.at(-1)).toBe(name)
  try {
    expect(await docker(...mine.slice(1, -1), 'siem-relay:dev')).toMatchObject({ code: 0 })
    await compose.eventually('it is healthy', async () => {
      const { code, out, err } = await docker('exec', name, 'siem-relay', 'health')
      if (code !== 0) throw new Error(out + err)
      return true
    })
  } finally {
    await docker('rm', '--force', name)
    await docker('volume', 'rm', name)
  }
})

test('--scale syslog-sender=3 shares the partitions out, and Prometheus asks all three', async () => {
  await compose.up('--no-recreate', '--scale', 'syslog-sender=3')
  const shares = await compose.eventually('three senders have partitions', async () => {
    const found = await partitionsPerMember()
    return found.length === 3 && found.every((count) => count > 0) ? found : undefined
  })
  expect(shares.toSorted()).toEqual([2, 2, 2])
  await compose.eventually('Prometheus reaches three senders', async () =>
    (await targets('syslog-sender')).filter(({ health }) => health === 'up').length === 3 ? true : undefined,
  )
  await everythingHasArrived()
  // Partitions that moved took unconfirmed messages with them: at most one checkpoint of ten seconds.
  expect(repeatedIn(await received.ids()).length).toBeLessThan(40)
})

test('down and up again loses nothing and repeats nothing', async () => {
  const before = await received.ids()
  await compose.run('stop')
  await received.keep()
  await compose.run('down')
  await compose.up()
  await everythingHasArrived()
  const after = await received.ids()
  expect(after.length).toBeGreaterThan(before.length)
  expect(repeatedSince(before, after)).toEqual([])
})

test('a broker that is killed loses nothing; what it could not note as delivered any more comes twice at most', async () => {
  const before = await received.ids()
  await compose.run('kill', '--signal', 'KILL', 'kafka')
  // What happens meanwhile waits at the source.
  const url = await compose.url('simulator', 8090)
  const had = await recordIds(url)
  await compose.eventually('the tenant has lived on', async () =>
    (await recordIds(url)).size > had.size ? true : undefined,
  )
  await compose.up()
  await everythingHasArrived()
  const after = await received.ids()
  expect(after.length).toBeGreaterThan(before.length)
  // One checkpoint of ten seconds: a few activities, or a bulk operation of up to 31.
  const repeated = repeatedSince(before, after)
  expect(repeated.length).toBeLessThan(40)
  expect(repeatedIn(repeated)).toEqual([])
})
