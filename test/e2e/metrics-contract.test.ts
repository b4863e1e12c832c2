/** docs/operating/metrics-reference.md is the contract: a relay that runs with one of everything exports these metrics, with these
 *  types and labels, and no others; and what its labels hold is known beforehand. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { labelMeanings } from '../../scripts/metrics-contract.ts'
import { agentIds, type Monitored, sourceIds, startMonitored } from '../support/monitored.ts'
import { temporaryDirectory } from '../support/relay.ts'

interface Written {
  readonly name: string
  readonly type: string
  readonly labels: readonly string[]
}

interface Series {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
}

const page = readFileSync(join(import.meta.dirname, '..', '..', 'docs', 'operating', 'metrics-reference.md'), 'utf8')

function contract(): readonly Written[] {
  return [...page.matchAll(/^\| `((?:siem_relay|nodejs|process)_\w+)` \| (\w+) \| ([^|]*) \|/gm)].map(
    ([, name = '', type = '', labels = '']) => ({ name, type, labels: labels.match(/\w+/g) ?? [] }),
  )
}

/** The text format of Prometheus, as the relay writes it: https://prometheus.io/docs/instrumenting/exposition_formats/ */
function parseExposition(text: string): {
  readonly types: ReadonlyMap<string, string>
  readonly series: readonly Series[]
} {
  const types = new Map([...text.matchAll(/^# TYPE (\w+) (\w+)$/gm)].map(([, name = '', type = '']) => [name, type]))
  const series = [...text.matchAll(/^([a-z]\w*)(?:\{(.*)\})? [^ ]+$/gm)].map(([, sample = '', labels = '']) => ({
    name: types.has(sample) ? sample : sample.replace(/_(bucket|sum|count)$/, ''),
    labels: Object.fromEntries(
      [...labels.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(([, label = '', value = '']) => [label, value]),
    ),
  }))
  return { types, series }
}

/** Everything is delivered everywhere, and confirmed. */
async function workOff({ contoso, relay }: Monitored): Promise<void> {
  contoso.add(30)
  await vi.waitFor(
    async () => {
      const text = await (await fetch(`${relay.adminUrl}/metrics`)).text()
      for (const agent of agentIds)
        expect(text).toContain(`siem_relay_messages_delivered_total{agent="${agent}"} ${contoso.ids.length}\n`)
    },
    { timeout: 30_000 },
  )
}

test('every metric of a running relay is in the reference, and every one of the reference is exported', {
  timeout: 90_000,
}, async () => {
  using directory = temporaryDirectory()
  await using relay = await startMonitored({ directory: directory.path })
  await workOff(relay)
  const answer = await fetch(`${relay.relay.adminUrl}/metrics`)
  expect(answer.headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/)
  const { types, series } = parseExposition(await answer.text())
  const written = contract()

  expect(Object.fromEntries(types)).toEqual(Object.fromEntries(written.map(({ name, type }) => [name, type])))
  const labelsOf = new Map(written.map(({ name, labels }) => [name, new Set([...labels, 'le'])]))
  expect(
    series.filter(({ name, labels }) => Object.keys(labels).some((label) => !labelsOf.get(name)?.has(label))),
  ).toEqual([])

  // What stands here has nothing to tell of this relay; all others have series.
  const silent = new Set([
    ...['siem_relay_partitions_assigned', 'siem_relay_partitions_fenced_total'],
    ...['siem_relay_source_rows_total', 'siem_relay_source_expired_messages_total'],
    ...['siem_relay_discovery_left_out_total', 'siem_relay_intake_files_total', 'siem_relay_intake_requests_total'],
    ...['siem_relay_intake_rows_total', 'siem_relay_intake_rejected_rows_total', 'siem_relay_agent_retired'],
    ...[
      'siem_relay_source_late_records_total',
      'siem_relay_source_gap_changes_total',
      'siem_relay_records_skipped_total',
    ],
    ...['siem_relay_replay_records_total', 'nodejs_active_requests'],
  ])
  const told = new Set(series.map(({ name }) => name))
  expect(written.map(({ name }) => name).filter((name) => !told.has(name) && !silent.has(name))).toEqual([])

  const configured: Readonly<Record<string, readonly string[]>> = {
    agent: agentIds,
    source: sourceIds,
    tenant: ['contoso', 'fabrikam', 'tailspin'],
    version: series.find(({ name }) => name === 'siem_relay_build_info')?.labels.version?.split('\n') ?? [],
    revision: ['unknown'],
  }
  const open = series
    .filter(({ name }) => name.startsWith('siem_relay_'))
    .flatMap(({ name, labels }) => Object.entries(labels).map(([label, value]) => ({ name, label, value })))
    .filter(({ label, value }) => {
      const values = configured[label] ?? labelMeanings[label]?.values
      return label !== 'le' && !values?.includes(value)
    })
  expect(open).toEqual([])
})

test('every label of the relay’s own metrics is explained', () => {
  const used = new Set(contract().flatMap(({ name, labels }) => (name.startsWith('siem_relay_') ? labels : [])))
  expect([...used].toSorted()).toEqual(Object.keys(labelMeanings).toSorted())
})
