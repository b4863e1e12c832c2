/** Discovered apps, users and IP addresses: sorted, searched and paged by the relay. */
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { useState } from 'preact/hooks'
import type { DiscoveredApp, DiscoveredEntity } from '../../src/contract/discovery.ts'
import { SelectField, TextField } from '../components/field.ts'
import { Icon } from '../components/icons.ts'
import { Empty, Loading } from '../components/states.ts'
import { type Column, Pager, type Sorting, Table } from '../components/table.ts'
import { get, type Query, urlOf } from '../lib/api.ts'
import { bytesText, countText, dayText } from '../lib/format.ts'
import { useLoad, useSettled } from '../lib/load.ts'
import { setQuery } from '../lib/router.ts'

const pageSize = 50

/** What apps, users and addresses have in common. */
type Seen = Pick<DiscoveredApp & DiscoveredEntity, 'totalBytes' | 'uploadedBytes' | 'events' | 'lastSeenMs'>
const trafficColumns: readonly Column<Seen>[] = [
  {
    key: 'traffic',
    label: 'Traffic',
    isSortable: true,
    isNumber: true,
    cell: ({ totalBytes }) => bytesText(totalBytes),
  },
  {
    key: 'uploaded',
    label: 'Upload',
    isSortable: true,
    isNumber: true,
    cell: ({ uploadedBytes }) => bytesText(uploadedBytes),
  },
]
const activityColumns: readonly Column<Seen>[] = [
  { key: 'events', label: 'Events', isSortable: true, isNumber: true, cell: ({ events }) => countText(events) },
  {
    key: 'lastSeen',
    label: 'Last seen',
    isSortable: true,
    cell: ({ lastSeenMs }) => html`<time>${dayText(lastSeenMs)}</time>`,
  },
]

function CsvLink({ path, query }: { readonly path: string; readonly query: Query }): VNode {
  return html`<a class="button" href=${urlOf(path, query)} download><${Icon} name="download" size=${18} />CSV</a>`
}

interface ListProps {
  readonly query: Query
}

const appColumns: readonly Column<DiscoveredApp>[] = [
  {
    key: 'name',
    label: 'App',
    isSortable: true,
    cell: ({ name, category }) =>
      html`<span class="row-name"><bdi>${name}</bdi></span><span class="minor"><bdi>${category}</bdi></span>`,
  },
  {
    key: 'score',
    label: 'Risk score',
    isSortable: true,
    isNumber: true,
    cell: ({ score }) => html`<${Score} score=${score} />`,
  },
  {
    key: 'tags',
    label: 'Tags',
    cell: ({ tags }) =>
      tags.length === 0
        ? '—'
        : tags.map((tag) => html`<span class=${`tag tag-${tag}`} key=${tag}><bdi>${tag}</bdi></span> `),
  },
  ...trafficColumns,
  { key: 'users', label: 'Users', isSortable: true, isNumber: true, cell: ({ users }) => countText(users) },
  { key: 'ips', label: 'IP addresses', isNumber: true, cell: ({ ipAddresses }) => countText(ipAddresses) },
  ...activityColumns,
]

export function Score({ score }: { readonly score: number | undefined }): VNode {
  if (score === undefined) return html`<span class="minor">—</span>`
  const level = score <= 3 ? 'high' : score <= 7 ? 'medium' : 'low'
  return html`<span class=${`score score-${level}`}>${score}<span class="hidden"> of 10, ${level} risk</span></span>`
}

export function AppsTable({ query }: ListProps): VNode {
  const [sorting, setSorting] = useState<Sorting>({ key: 'traffic', isDescending: true })
  const [offset, setOffset] = useState(0)
  const [search, setSearch] = useState('')
  const [tag, setTag] = useState('')
  const wanted = useSettled(search, 300)
  const all = { ...query, search: wanted, tag, sort: sorting.key }
  const apps = useLoad(
    (signal) =>
      get<{ apps: DiscoveredApp[]; total: number }>('/discovery/apps', { ...all, offset, limit: pageSize }, signal),
    [JSON.stringify(all), offset],
  )
  const again =
    <T>(set: (value: T) => void) =>
    (value: T) => {
      setOffset(0)
      set(value)
    }
  return html`<div class="filters card">
      <${TextField} label="Search apps" type="search" value=${search} onChange=${again(setSearch)} />
      <${SelectField} label="Tag" value=${tag} onChange=${again(setTag)} choices=${[
        { value: '', label: 'All tags' },
        { value: 'sanctioned', label: 'Sanctioned' },
        { value: 'unsanctioned', label: 'Unsanctioned' },
        { value: 'other', label: 'Other' },
      ]} />
      <${CsvLink} path="/discovery/apps.csv" query=${all} />
    </div>
    <${Loading} of=${apps}>${(data: { apps: DiscoveredApp[]; total: number }) =>
      data.apps.length === 0
        ? html`<${Empty} icon="search" title="No apps"><p>None was found in this time with these filters.</p><//>`
        : html`<${Table} caption="Discovered apps" columns=${appColumns} rows=${data.apps} keyOf=${({ tenant, appId }: DiscoveredApp) => `${tenant} ${appId}`}
              sorting=${sorting} onSort=${({ key }: Sorting) => again(setSorting)({ key, isDescending: key !== 'name' })} rowCount=${data.total} />
            <${Pager} offset=${offset} size=${pageSize} total=${data.total} what="apps" onMove=${setOffset} />`}<//>`
}

type EntityKind = 'users' | 'ip-addresses'

const entityWords = {
  users: { label: 'User', caption: 'Users', what: 'users' },
  'ip-addresses': { label: 'IP address', caption: 'IP addresses', what: 'IP addresses' },
} as const

function entityColumns(kind: EntityKind): readonly Column<DiscoveredEntity>[] {
  const name = ({ name: text }: DiscoveredEntity) =>
    kind === 'users' && text !== ''
      ? html`<button type="button" class="link-button row-name" title="Show this user alone" onClick=${() => setQuery({ user: text, tab: '' })}><bdi>${text}</bdi></button>`
      : html`<span class="row-name"><bdi>${text === '' ? 'unknown' : text}</bdi></span>`
  return [
    { key: 'name', label: entityWords[kind].label, isSortable: true, cell: name },
    ...trafficColumns,
    {
      key: 'downloaded',
      label: 'Download',
      isSortable: true,
      isNumber: true,
      cell: ({ downloadedBytes }) => bytesText(downloadedBytes),
    },
    { key: 'apps', label: 'Apps', isNumber: true, cell: ({ apps }) => countText(apps) },
    ...activityColumns,
  ]
}

export function EntitiesTable({ query, kind }: ListProps & { readonly kind: EntityKind }): VNode {
  const [sorting, setSorting] = useState<Sorting>({ key: 'traffic', isDescending: true })
  const [offset, setOffset] = useState(0)
  const { caption, what } = entityWords[kind]
  const all = { ...query, sort: sorting.key }
  const found = useLoad(
    (signal) =>
      get<{ entities: DiscoveredEntity[]; total: number }>(
        `/discovery/${kind}`,
        { ...all, offset, limit: pageSize },
        signal,
      ),
    [JSON.stringify(all), offset, kind],
  )
  const sort = ({ key }: Sorting) => {
    setOffset(0)
    setSorting({ key, isDescending: key !== 'name' })
  }
  return html`<div class="toolbar"><span class="grow"></span><${CsvLink} path=${`/discovery/${kind}.csv`} query=${all} /></div>
    <${Loading} of=${found}>${(data: { entities: DiscoveredEntity[]; total: number }) =>
      data.entities.length === 0
        ? html`<${Empty} icon="search" title=${`No ${what}`}><p>None was found in this time.</p><//>`
        : html`<${Table} caption=${caption} columns=${entityColumns(kind)} rows=${data.entities} keyOf=${({ name }: DiscoveredEntity) => name}
              sorting=${sorting} onSort=${sort} rowCount=${data.total} />
            <${Pager} offset=${offset} size=${pageSize} total=${data.total} what=${what} onMove=${setOffset} />`}<//>`
}
