/** The README, and pages of docs/using. */
import { join } from 'node:path'
import { sampleRecords } from '@siem-relay/simulator'
import { expect } from 'vitest'
import { asAda, configure, contoso, password, running, soc, startBeside, startPortal, tenantToken } from './beside.ts'
import type { Pages } from './run.ts'

export const usingPages: Pages = {
  'README.md': async (doc) => {
    const { page, machine } = doc
    const demo = doc.start('npm ci && npm start', { 'npm ci && ': '' })
    await demo.until(/ CEF:0\|MCAS\|SIEM_Agent\|/)
    await demo.until(/Portal: http:\/\/127\.0\.0\.1:8080\//)
    await demo.interrupt()
    machine.write('mda', tenantToken)
    machine.write('siem-relay.yaml', page.block('yaml').replace('/run/secrets/mda', join(machine.directory, 'mda')))
    const relay = doc.start('npx siem-relay validate && npm start')
    await relay.until(running)
    await relay.interrupt()
  },

  'docs/using/discovery-intake.md': async (doc) => {
    const { page, machine } = doc
    machine.write('token', 'a token of sixteen')
    const yaml = page
      .block('yaml', 'discovery-intake')
      .replace('/run/secrets/discovery-token', join(machine.directory, 'token'))
      .replace('/var/spool/siem-relay/discovery', join(machine.directory, 'spool'))
    machine.write('siem-relay.yaml', `${yaml}\nagents: [{ id: soc, console: true }]\n`)
    for (const format of ['ndjson', 'json', 'csv']) machine.write(`rows.${format}`, page.block(format))
    await machine.start('siem-relay run').until(running)
    const answers = [
      ['curl -H "Authorization: Bearer $(cat token)" -H \'Content-Type: application/x-ndjson', 2],
      ['curl -H "Authorization: Bearer $(cat token)" -H \'Content-Type: application/json', 2],
      ['gzip < rows.csv', 1],
    ] as const
    const shown = Object.keys(JSON.parse(page.block('', '"accepted"')))
    for (const [command, accepted] of answers) {
      const answer = JSON.parse((await doc.run(command)).out)
      expect(answer).toMatchObject({ accepted, repeated: 0, rejectedTotal: 0 })
      expect(Object.keys(answer)).toEqual(shown)
    }
  },

  'docs/using/filters.md': async (doc) => {
    await startBeside(doc.machine, { agents: [{ ...soc, alerts: { filter: { severity: { eq: [1, 2] } } } }] })
    const { activities, alerts } = sampleRecords()
    doc.machine.write('records.ndjson', [...activities, ...alerts].map((record) => JSON.stringify(record)).join('\n'))
    const leftOut = /^-- alert ".*": left out, "filter"\n +FAIL {2}severity is 0 \(low\)/m
    expect((await doc.run('npx siem-relay preview --agent soc --explain')).err).toMatch(
      /^\d+ would be sent, \d+ left out/,
    )
    expect((await doc.run('npx siem-relay preview --agent soc --explain --input')).out).toMatch(leftOut)
  },

  'docs/using/getting-started.md': async (doc) => {
    const { page, machine } = doc
    machine.write('siem-relay.yaml', page.block('yaml', 'sources:') + page.block('yaml', 'agents:'))
    machine.write('client-secret', 'a secret')
    await doc.run('npx siem-relay validate')
    expect((await doc.run('npx siem-relay preview')).out.match(/CEF:0\|MCAS/g)).toHaveLength(12)
    const relay = doc.start('npm start')
    await relay.until(running)
    await relay.interrupt()
  },

  'docs/using/portal.md': async (doc) => {
    await startPortal(doc.machine, doc.page.block('', 'Portal: '))
    const session = JSON.parse((await doc.run('curl -c jar', { put: { '…': password } })).out)
    expect(session.csrfToken).toMatch(/./)
    expect(JSON.parse((await doc.run('curl -b jar')).out).agents).toHaveLength(1)
  },

  'docs/using/remote-agent.md': async (doc) => {
    const { machine } = doc
    await startPortal(machine)
    const definition = { name: 'siem', remote: true, syslog: { host: '10.0.0.5', port: 514 } }
    const { token } = JSON.parse((await asAda(machine, 'agents', { definition })).out)
    // Files of the system go into the directory; sudo is not needed.
    const etc = join(machine.directory, 'etc')
    const put = { 'sudo ': '', '/etc/siem-relay': etc }
    await doc.run('sudo install -d', { put })
    await doc.run('sudo install -m 0600', { put })
    await doc.run('sudo tee', { put: { '/etc/siem-relay': etc, 'sudo tee': `echo ${token} | tee` } })
    await doc.run("echo 'PORTAL=", { put })
    expect(machine.read('etc/agent.env')).toBe('PORTAL=https://relay.contoso.com\n')
    const { out } = await doc.run('sudo npx siem-relay agent --check', {
      put: { ...put, 'https://relay.contoso.com': 'http://127.0.0.1:8080' },
    })
    expect(out).toMatch(
      /^portal +\S+ answers\ntoken +valid, of the agent siem\nagent +enabled\n[\s\S]*in use +by nobody\n$/,
    )
  },

  'docs/using/replay.md': async (doc) => {
    await startBeside(doc.machine)
    expect((await doc.run('siem-relay replay --agent soc --from 2026')).out).toMatch(
      /^soc: nothing was stored from 2026-11-24T08:00:00.000Z until 2026-11-24T09:00:00.000Z$/m,
    )
    expect((await doc.run('siem-relay replay --agent soc --from -2h')).out).toMatch(
      /soc: [1-9]\d* messages .*\n[\s\S]*done/,
    )
  },

  'docs/using/sentinel.md': async (doc) => {
    const { machine } = doc
    const simulator = machine.start('siem-relay simulator --azure 127.0.0.1:8443')
    const [, agent = ''] = await simulator.until(/An agent for it:\n\n([\s\S]*?)\n\n/)
    machine.write('siem-relay.yaml', `sources: [${JSON.stringify(contoso)}]\n${agent}\n`)
    const { out } = await doc.run('npx siem-relay doctor sentinel')
    // The checks of the page's table that this agent has.
    for (const check of ['settings', 'endpoint name', 'endpoint TLS', 'Entra name', 'Entra TLS', 'clock', 'token'])
      expect(out).toMatch(new RegExp(`^ *${check} +(ok|WARNING) `, 'm'))
    expect(out).toMatch(/^ *stream .* ok /m)
    expect((await doc.run('npx siem-relay doctor sentinel --canary')).out).toMatch(/canary .*ok/)
    await simulator.until(/"RecordId":"canary:/)
  },

  'docs/using/simulator.md': async (doc) => {
    const { page, machine } = doc
    machine.write('rule.json', machine.read('deploy/sentinel/azuredeploy.json'))
    const azure = 'npx siem-relay simulator --azure 127.0.0.1:8443'
    for (const command of ['npx siem-relay simulator', azure, `${azure} --azure-rule rule.json`]) {
      const simulator = doc.start(command)
      await simulator.until(/http:\/\/127\.0\.0\.1:8090 with the API token/)
      if (command.startsWith(azure)) await simulator.until(/Azure at https:\/\/127\.0\.0\.1:8443;/)
      await simulator.interrupt()
    }
    const demo = doc.start('npx siem-relay run --demo sentinel')
    const [line] = await demo.until(/^\{"table":.*\}$/m)
    expect(Object.keys(JSON.parse(line)).slice(0, 2)).toEqual(
      Object.keys(JSON.parse(page.block('json', '"table"'))).slice(0, 2),
    )
    await demo.interrupt()
  },

  'docs/using/tenants.md': async (doc) => {
    const fabrikam = { ...contoso, id: 'fabrikam', auth: { type: 'token', token: 'revoked'.repeat(9) } }
    await startBeside(doc.machine, { sources: [contoso, fabrikam] })
    const shown = doc.page.block('', '$ siem-relay sources').split('\n')
    const { out } = await doc.run('siem-relay sources')
    const words = (lines: readonly string[]) => lines.find((line) => line.startsWith('source '))?.split(/ +/)
    expect(words(out.split('\n'))).toEqual(words(shown))
    expect(out).toMatch(/^2 sources: .*1 error/)
    expect(out).toMatch(/\n\nfabrikam: error\n {2}RELAY_SOURCE_AUTH, \d+ .* ago: [\s\S]*\n {2}→ Check the source/)
    expect((await doc.run('siem-relay sources --json')).out).toMatch(/^fabrikam RELAY_SOURCE_AUTH Check .*\n$/)
  },

  'docs/using/tests.md': async (doc) => {
    const { page, machine } = doc
    const yaml = page.block('yaml')
    const low = { _id: 'a2', title: 'x', severityValue: 0 }
    const record = JSON.stringify({ _id: 'a1', title: 'x', severityValue: 2 })
    machine.write('samples/low-alert.json', JSON.stringify(low))
    machine.write('record.json', record)
    machine.write('records.ndjson', `${record}\n${JSON.stringify(low)}\n`)
    const agent = { id: 'soc', console: true, alerts: { filter: { severity: { eq: [1, 2] } } } }
    configure(machine, { agents: [agent] })
    machine.write('siem-relay.test.yaml', yaml)
    expect((await doc.run('siem-relay test')).out).toMatch(/3 tests: 3 ok, 0 failed\n$/)
    const checks = { agent: 'soc', tests: [{ name: 'low', record: low, leftOut: 'filter' }] }
    for (const file of ['checks/alerts.yaml', 'checks/activities.json']) machine.write(file, JSON.stringify(checks))
    const results = JSON.parse((await doc.run('siem-relay test checks')).out) as { results: object[] }[]
    expect(results.map((each) => each.results)).toMatchObject([[{ isOk: true }], [{ isOk: true }]])
    expect((await doc.run('siem-relay filter explain --agent soc')).out).toMatch(
      /^alert a1 passes\n {2}pass {2}severity /,
    )
    const { out: explained } = await doc.run('siem-relay filter explain --where', { code: 1 })
    expect(explained.match(/"matches":\w+/g)).toEqual(['"matches":true', '"matches":false'])

    // The page's two tests, after somebody has made high alerts a 9.
    configure(machine, { agents: [{ ...agent, severity: { high: 9 } }] })
    const two = yaml.replace(/ {2}- name: what is no record[\s\S]*/, '')
    const tests = two.slice(two.indexOf('  - name')).split(/^(?= {2}- name)/m)
    machine.write('siem-relay.test.yaml', two.slice(0, two.indexOf('  - name')) + tests.toReversed().join(''))
    expect(await machine.run('siem-relay test')).toMatchObject({ code: 1, out: page.block('', 'siem-relay.test.yaml') })
    await doc.run('siem-relay test --update')
    expect(machine.read('siem-relay.test.yaml')).toMatch(/\|Impossible travel\|9\|/)
  },
}
