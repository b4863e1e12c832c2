import { describe, expect, test } from 'vitest'
import { parseCef } from './parse.ts'
import { markReplayed, replayMarkOf } from './replay-mark.ts'

const mark = replayMarkOf('20261124-r1')

describe('a replay mark', () => {
  test.each([
    ['ends in a value', 'CEF:0|a|b|c|d|e|3|externalId=1 msg=x'],
    ['ends in an empty value', 'CEF:0|a|b|c|d|e|3|externalId=1 cs4Label=policyIDs cs4='],
    ['ends in an escape', 'CEF:0|a|b|c|d|e|3|externalId=1 msg=\\\\'],
  ])('is read back beside all other fields when the line %s', (_, line) => {
    const marked = parseCef(markReplayed(Buffer.from(line), mark, 1_000).toString())
    expect(Object.fromEntries(marked.extension)).toEqual({
      ...Object.fromEntries(parseCef(line).extension),
      cs6Label: 'replayJob',
      cs6: '20261124-r1',
    })
  })

  test('stays within the limit of the message: without room for it the line goes out as it is', () => {
    const line = Buffer.from('CEF:0|a|b|c|d|e|3|externalId=1')
    const marked = line.length + mark.cef.length
    expect(markReplayed(line, mark, marked).length).toBe(marked)
    expect(markReplayed(line, mark, marked - 1)).toBe(line)
  })

  test('is one more member of a line that is a JSON object', () => {
    const line = Buffer.from('{"AppName":"x}","RecordId":"r1"}')
    const marked = markReplayed(line, mark, 1_000)
    expect(JSON.parse(marked.toString())).toEqual({ AppName: 'x}', RecordId: 'r1', ReplayJob: '20261124-r1' })
    expect(markReplayed(line, mark, marked.length - 1)).toBe(line)
  })
})
