/** Uploads that are refused: for what they are, and for who asks. */
import { describe, expect, test } from 'vitest'
import {
  discovery,
  otherRuleId,
  receivedMs,
  rowsOf,
  rule,
  ruleId,
  secretForm,
  startForTest,
  stranger,
  stream,
  uuid,
} from './testing/client.ts'

describe('an upload is refused', () => {
  test.each([
    ['that is no JSON', '[{"RecordId":"a"}'],
    ['that is nothing', ''],
    ['that is a word', '"rows"'],
    ['that is null', 'null'],
    ['whose text is not UTF-8', Buffer.from('[{"RecordId":"\xe9"}]', 'latin1')],
  ])('with 400 %s', async (_, body) => {
    await using setup = await startForTest()
    const { status, code, headers } = await setup.upload(body)
    expect({ status, code }).toEqual({ status: 400, code: 'InvalidRequestContent' })
    expect(headers['x-ms-error-code']).toBe('InvalidRequestContent')
    expect(headers['x-ms-request-id']).toMatch(uuid)
    expect(setup.azure.requests[0]).toMatchObject({ status: 400, stored: 0, lost: 0 })
  })

  test('with 400 when it says gzip and is none, or names another encoding', async () => {
    await using setup = await startForTest()
    for (const encoding of ['gzip', 'br']) {
      const { status } = await setup.upload(rowsOf('a'), { headers: { 'content-encoding': encoding } })
      expect(status).toBe(400)
    }
    expect(setup.azure.totals.stored).toBe(0)
  })

  test.each([
    ['no api-version', { query: '' }, 400, 'InvalidApiVersion'],
    ['an api-version nobody knows', { query: 'api-version=2020-01-01' }, 400, 'InvalidApiVersion'],
    ['no token', { token: undefined }, 401, 'AuthenticationFailed'],
    ['a token somebody else made', { token: 'a.b.c' }, 401, 'AuthenticationFailed'],
    ['another content type', { headers: { 'content-type': 'text/plain' } }, 415, 'UnsupportedMediaType'],
    ['an unknown rule', { rule: otherRuleId }, 404, 'NotFound'],
    ['an unknown stream', { stream: 'Custom-Other' }, 400, 'InvalidStream'],
    ['the stream without its prefix', { stream: 'McasDiscovery' }, 400, 'InvalidStream'],
    ['another method', { method: 'PUT' as const }, 404, 'NotFound'],
  ])('for %s', async (_name, options, status, code) => {
    await using setup = await startForTest()
    const reply = await setup.upload(rowsOf('a'), options)
    expect({ status: reply.status, code: reply.code }).toEqual({ status, code })
    expect(setup.azure.totals.stored).toBe(0)
  })

  test('for a rule or a stream nobody knows with the status that is wanted', async () => {
    await using setup = await startForTest({ unknownRuleStatus: 400, unknownStreamStatus: 404 })
    expect((await setup.upload(rowsOf('a'), { rule: otherRuleId })).status).toBe(400)
    expect((await setup.upload(rowsOf('a'), { stream: 'Custom-Other' })).status).toBe(404)
  })

  test('with 401 once its token has lived long enough, or is for another cloud', async () => {
    let nowMs = receivedMs
    await using setup = await startForTest({ nowMs: () => nowMs, tokenSeconds: 60 })
    await setup.token()
    nowMs += 59_999
    expect((await setup.upload(rowsOf('a'))).status).toBe(204)
    nowMs += 1
    expect((await setup.upload(rowsOf('a'))).status).toBe(401)
    const foreign = await setup.askToken(secretForm({ scope: 'https://monitor.azure.us/.default' }))
    const { access_token: token } = JSON.parse(foreign.text) as { access_token: string }
    const reply = await setup.upload(rowsOf('a'), { token })
    expect(reply).toMatchObject({ status: 401, headers: { 'www-authenticate': 'Bearer' } })
    expect(reply.text).toContain('https://monitor.azure.us')
  })

  test('with 401 when all tokens were made to end; a new one is good', async () => {
    await using setup = await startForTest()
    await setup.token()
    setup.azure.expireTokens()
    expect((await setup.upload(rowsOf('a'))).status).toBe(401)
    const { access_token: token } = JSON.parse((await setup.askToken(secretForm())).text) as { access_token: string }
    expect((await setup.upload(rowsOf('a'), { token })).status).toBe(204)
  })

  test('with 403 OperationFailed for an application without the role on this rule', async () => {
    const allowed = { ...stranger, clientId: 'other', roles: [otherRuleId] }
    const rules = [rule, { immutableId: otherRuleId, streams: { [stream]: discovery } }]
    await using setup = await startForTest({ rules, credentials: [stranger, allowed] })
    const tokenOf = async (clientId: string): Promise<string> => {
      const form = secretForm({ client_id: clientId, client_secret: stranger.clientSecret })
      return (JSON.parse((await setup.askToken(form)).text) as { access_token: string }).access_token
    }
    const refused = await setup.upload(rowsOf('a'), { token: await tokenOf('stranger') })
    expect(refused).toMatchObject({ status: 403, code: 'OperationFailed' })
    expect(refused.text).toContain(
      `does not have access to ingest data for the data collection rule with immutable Id '${ruleId}'`,
    )
    const token = await tokenOf('other')
    expect((await setup.upload(rowsOf('a'), { token })).status).toBe(403)
    expect((await setup.upload(rowsOf('a'), { token, rule: otherRuleId })).status).toBe(204)
  })
})
