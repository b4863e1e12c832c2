/** Pages of docs/operating. */
import { join } from 'node:path'
import { openSqliteBus } from '@siem-relay/bus'
import { deadLettersTopic, letterHeaders } from '@siem-relay/common'
import { systemClock } from '@siem-relay/service-kit'
import { expect } from 'vitest'
import { configure, contoso, soc, startBeside } from './beside.ts'
import type { Pages } from './run.ts'

/** Two messages that were refused, and a record that is none. */
async function putAside(directory: string): Promise<void> {
  await using bus = await openSqliteBus({ path: join(directory, 'log'), clock: systemClock, freeBytesMin: 1_048_576 })
  await bus.ensureTopics([deadLettersTopic])
  await using writer = await bus.writer('test')
  const place = { [letterHeaders.agent]: 'soc', [letterHeaders.partition]: '0', [letterHeaders.offset]: '1' }
  const refused = (id: string) => ({
    topic: deadLettersTopic.name,
    key: id,
    value: Buffer.from(`CEF:0|MCAS|SIEM_Agent|1|X|refused|3|externalId=${id}`),
    headers: {
      ...place,
      'event-time-ms': '1700000000000',
      kind: 'alert',
      severity: '3',
      [letterHeaders.stage]: 'syslog-sender',
      [letterHeaders.code]: 'RELAY_RECEIVER_REFUSED',
      [letterHeaders.topic]: 'out.soc',
    },
  })
  const invalid = {
    topic: deadLettersTopic.name,
    key: 'none',
    value: Buffer.from('no JSON'),
    headers: {
      ...place,
      kind: 'alerts',
      [letterHeaders.stage]: 'formatter',
      [letterHeaders.code]: 'RELAY_RECORD_INVALID',
      [letterHeaders.reason]: 'the record is not JSON',
      [letterHeaders.topic]: 'raw.contoso.alerts',
    },
  }
  await writer.commit({ records: [refused('a'), refused('b'), invalid] })
}

export const operatingPages: Pages = {
  'docs/operating/dead-letters.md': async (doc) => {
    await putAside(doc.machine.directory)
    await startBeside(doc.machine)
    expect((await doc.run('siem-relay dlq list')).out).toMatch(/^id +put aside +agent +code\n/)
    const { letters } = JSON.parse((await doc.machine.run('siem-relay dlq list --json')).out) as {
      letters: { id: string; key: string }[]
    }
    const idOf = (key: string): string => letters.find((letter) => letter.key === key)?.id ?? ''
    expect((await doc.run('siem-relay dlq show', { put: { '2-1041': idOf('a') } })).out).toContain('externalId=a')
    const put = { '2-1041': idOf('a'), '0-17': idOf('b') }
    expect((await doc.run('siem-relay dlq retry', { put })).out).toMatch(/^soc: 2 dead letters go out again as replay /)
    expect((await doc.run('siem-relay dlq drop')).out).toMatch(/^1 /)
  },

  'docs/operating/doctor.md': async (doc) => {
    await startBeside(doc.machine)
    const { out } = await doc.run('siem-relay doctor')
    for (const subject of ['configuration', 'log', 'this machine', 'agent soc', 'source contoso'])
      expect(out).toMatch(new RegExp(`^${subject}\\b.*: .*\\d ok`, 'm'))
    expect((await doc.run('siem-relay top')).out).toMatch(
      /^source +state .*\ncontoso +collecting [\s\S]*\nagent +stage .*\nsoc +format .*\n +deliver /,
    )
    const [, archive = ''] = /(\S+\.tar\.gz)/.exec((await doc.run('siem-relay diagnostics')).out) ?? []
    expect((await doc.machine.run(`tar -tzf ${archive}`)).out.split('\n').length).toBeGreaterThan(5)
  },

  'docs/operating/tap.md': async (doc) => {
    await startBeside(doc.machine)
    // No alert of the demo's tenant is high.
    const medium = { '[2]': '[1]' }
    const out = doc.start('siem-relay tap out')
    const raw = doc.start('siem-relay tap raw', medium)
    const letters = doc.start('siem-relay tap dead-letters')
    await Promise.all([out, raw, letters].map((tap) => tap.until(/^Tapping /m)))
    // The same records once more, from another source of the tenant; and an agent whose lines are never short enough.
    const small = { id: 'small', syslog: { ...soc.syslog, messageBytesMax: 480 } }
    configure(doc.machine, { sources: [contoso, { ...contoso, id: 'again', tenant: 'contoso' }], agents: [soc, small] })
    await raw.until(/^(?:\{.*\}\n){10}$/)
    const { code, out: lines } = await raw.ended
    expect(code).toBe(0)
    const severities = lines.match(/.+/g)?.map((line) => JSON.parse(JSON.parse(line).value).severityValue)
    expect(severities).toEqual(Array(10).fill(1))
    await out.until(/^\S+ out\.soc\/\d@\d+ CEF:0\|MCAS/m)
    expect(await out.interrupt()).toMatchObject({ code: 0 })
    await letters.until(/^\S+ dead-letters\/\d@\d+ \{"_id"/m)
    expect(await letters.interrupt()).toMatchObject({ code: 0 })
  },
}
