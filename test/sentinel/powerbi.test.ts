/** Power Query and measures for Power BI. */
import { globSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { content, read, root } from '../support/sentinel.ts'
import { kusto } from '../support/sentinel-queries.ts'

describe('Power BI', () => {
  test.each(globSync('deploy/sentinel/powerbi/*.pq', { cwd: root }))('%s: brackets close, quotes pair', (path) => {
    const code = read(path)
      .replaceAll(/^\s*\/\/.*$/gm, '')
      .replaceAll(/#?"(?:[^"]|"")*"/g, 'x')
    expect(code).not.toContain('"')
    for (const [open, close] of ['()', '[]', '{}'])
      expect(code.split(open as string).length).toBe(code.split(close as string).length)
  })

  test('every query asks the workspace of the parameter and nothing that is put together', () => {
    for (const { name } of content.dashboard) {
      const text = read(`deploy/sentinel/powerbi/${name}.pq`)
      expect(text).toContain('Web.Contents("https://api.loganalytics.io", [')
      expect(text).toContain('RelativePath = "v1/workspaces/" & WorkspaceId & "/query"')
    }
  })

  test('every column a measure names is in the result of its query', () => {
    const measures = read('deploy/sentinel/powerbi/measures.dax')
    const named = [...measures.matchAll(/\b([A-Z]\w+)\[(\w+)\]/g)]
    expect(named.length).toBeGreaterThan(10)
    const columns = new Map(content.dashboard.map(({ name, query }) => [name, kusto.columnsOf(query)]))
    expect(
      named.filter(([, table = '', column = '']) => !columns.get(table)?.includes(column)).map(([all]) => all),
    ).toEqual([])
  })
})
