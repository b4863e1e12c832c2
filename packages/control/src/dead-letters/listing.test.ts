import { letterHeaders } from '@siem-relay/common'
import { describe, expect, test } from 'vitest'
import { ofFormatter, ofSender, withLetters } from '../testing/letters.ts'

describe('dead letters', () => {
  test('are listed newest first over all partitions, each with what happened, where it came from and what to do', () =>
    withLetters(async ({ control, put }) => {
      await put(...Array.from({ length: 9 }, (_, n) => ofSender(`k${n}`)))
      const { letters, before } = await control.deadLetters({})
      expect(letters.map(({ key }) => key)).toEqual(['k8', 'k7', 'k6', 'k5', 'k4', 'k3', 'k2', 'k1', 'k0'])
      expect(before).toBeUndefined()
      expect(letters[0]).toMatchObject({
        id: expect.stringMatching(/^\d+-\d+$/),
        stage: 'syslog-sender',
        agent: 'soc',
        code: 'RELAY_FRAME_TOO_LARGE',
        reason: 'too large',
        attempts: 1,
        origin: { topic: 'out.soc', partition: 3, offset: '17' },
        bytes: 8,
        preview: 'CEF:0|k8',
        nextMove: 'Raise messageBytesMax here and at the receiver.',
      })
      expect(letters[0]?.notRetriable).toBeUndefined()
    }))

  test('come in pages that meet: every letter once, in order', () =>
    withLetters(async ({ control, put }) => {
      await put(...Array.from({ length: 11 }, (_, n) => ofSender(`k${String(n).padStart(2, '0')}`)))
      const seen: string[] = []
      let before: string | undefined
      do {
        const page = await control.deadLetters({ limit: 3, ...(before === undefined ? {} : { before }) })
        expect(page.letters.length).toBeGreaterThan(0)
        seen.push(...page.letters.map(({ key }) => key))
        before = page.before
      } while (before !== undefined)
      expect(seen).toEqual(Array.from({ length: 11 }, (_, n) => `k${String(10 - n).padStart(2, '0')}`))
    }))

  test('a cursor of something else is refused', () =>
    withLetters(async ({ control }) => {
      await expect(control.deadLetters({ before: '1.2' })).rejects.toThrow(/begin again without one/)
    }))

  test('are found by agent, code and stage', () =>
    withLetters(async ({ control, put }) => {
      await put(ofSender('a'), ofFormatter('b', 'x'), ofSender('c', { [letterHeaders.agent]: 'other' }))
      const keys = async (filter: object): Promise<readonly string[]> =>
        (await control.deadLetters(filter)).letters.map(({ key }) => key)
      expect(await keys({ agent: 'other' })).toEqual(['c'])
      expect(await keys({ code: 'RELAY_RECORD_INVALID' })).toEqual(['b'])
      expect(await keys({ stage: 'syslog-sender', agent: 'soc' })).toEqual(['a'])
    }))

  test('show a bounded beginning in lists and the very bytes alone', () =>
    withLetters(async ({ control, put }) => {
      const value = Buffer.concat([Buffer.from([0, 255, 27]), Buffer.alloc(5_000, 0x61)])
      await put({ ...ofFormatter('a', ''), value })
      const [letter] = (await control.deadLetters({})).letters
      expect(letter?.bytes).toBe(5_003)
      expect(letter?.preview.length).toBeLessThanOrEqual(400)
      const whole = await control.deadLetter(letter?.id ?? '')
      expect(Buffer.from(whole.value, 'base64').equals(value)).toBe(true)
      expect(whole.headers).toMatchObject({ tenant: 'contoso' })
      await expect(control.deadLetter('0-999')).rejects.toThrow(/there is no dead letter 0-999/)
      await expect(control.deadLetter('9-1')).rejects.toThrow(/there is no dead letter 9-1/)
    }))
})
