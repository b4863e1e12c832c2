/** Makes rows of Cloud Discovery in the shape of Microsoft's table McasShadowItReporting: apps that people use without asking, with what
 *  was up- and downloaded. Names come from logs of proxies and firewalls, so from anyone. */
import type { Random } from './random.ts'
import type { DiscoveryRowRecord } from './records.ts'
import * as vocabulary from './vocabulary.ts'

const categories = [
  'Cloud storage',
  'Collaboration',
  'Webmail',
  'Hosting services',
  'Generative AI',
  'Marketing',
] as const

const shadowApps = [
  { id: 10_489, name: 'Box', category: 'Cloud storage', score: 9, tags: [] },
  { id: 15_600, name: 'Microsoft OneDrive for Business', category: 'Cloud storage', score: 10, tags: ['sanctioned'] },
  { id: 10_026, name: 'Dropbox', category: 'Cloud storage', score: 8, tags: ['unsanctioned'] },
  { id: 12_260, name: 'Microsoft Azure', category: 'Hosting services', score: 10, tags: ['sanctioned', 'Finance'] },
  { id: 26_055, name: 'Größe & Söhne Filetransfer', category: 'Cloud storage', score: 3, tags: [] },
  { id: 31_337, name: '匿名ファイル便', category: 'Collaboration', score: 1, tags: ['unsanctioned'] },
] as const

const streams = ['Global view', 'Marketing Department', 'Win10 Endpoint Users', 'Köln firewall'] as const

/** @param timeMs date of the discovery data, Unix ms. */
export function generateDiscoveryRow(random: Random, timeMs: number): DiscoveryRowRecord {
  const isHostile = random.chance(0.02)
  const app = random.pick(shadowApps)
  const person = random.pick(vocabulary.people)
  const uploaded = random.chance(0.2) ? 0 : random.integer(5_000_000)
  const downloaded = random.integer(50_000_000)
  const events = 1 + random.integer(500)
  const user = isHostile ? random.pick(vocabulary.hostileTexts) : random.chance(0.15) ? null : person.upn
  return {
    TenantId: vocabulary.aadTenantId,
    SourceSystem: 'Azure',
    TimeGenerated: new Date(timeMs).toISOString(),
    StreamName: random.pick(streams),
    TotalEvents: events,
    BlockedEvents: random.chance(0.8) ? 0 : random.integer(events),
    UploadedBytes: uploaded,
    TotalBytes: uploaded + downloaded,
    DownloadedBytes: downloaded,
    IpAddress: random.chance(0.1)
      ? `2001:db8::${random.hex(8).slice(0, 4)}`
      : `10.0.${random.integer(256)}.${random.integer(256)}`,
    UserName: user,
    EnrichedUserName: user === null || isHostile || random.chance(0.5) ? null : person.upn,
    AppName: isHostile ? random.pick(vocabulary.hostileTexts) : app.name,
    AppId: app.id,
    AppCategory: random.chance(0.1) ? random.pick(categories) : app.category,
    AppTags: app.tags,
    AppScore: app.score,
    Type: 'McasShadowItReporting',
  }
}
