/** The workbook: its tiles, and that each has the columns it shows. */
import { describe, expect, test } from 'vitest'
import { deploy } from '../support/arm.ts'
import { content, minimal, only, read, template } from '../support/sentinel.ts'
import { filled, kusto } from '../support/sentinel-queries.ts'

describe('workbook', () => {
  const titles = content.workbook.tiles.map(({ title }) => title)

  test("has Microsoft's eight tiles, and what was missing", () => {
    expect(titles).toEqual([
      'Latest discovery alerts',
      'Alert details',
      'Alert trend, by alert name',
      'Top 10 application categories, traffic in MB',
      'User traffic in MB',
      'Application score distribution',
      'Usage trend',
      'Discovery logs, by score',
      'Blocked events',
      'Sanctioned, unsanctioned and undecided, traffic in MB',
      'Apps first seen in this time',
      'Top uploaders',
      'Data health',
      'What Azure refused to store',
    ])
  })

  test('every column a tile shows, hides, colours or hands on is in its result', () => {
    for (const {
      title,
      query,
      hidden = [],
      heat = [],
      sparks = [],
      bars = {},
      tile = {},
      tree,
      exports: exported,
    } of content.workbook.tiles) {
      const named = [
        ...hidden,
        ...heat,
        ...sparks,
        ...Object.keys(bars),
        ...Object.values(tile),
        ...Object.values(tree ?? {}),
        ...(exported === undefined ? [] : [exported.column]),
      ]
      const columns = kusto.columnsOf(filled(query))
      expect([title, named.filter((name) => !columns.includes(name))]).toEqual([title, []])
    }
  })

  test('counts the global view alone at first, since it holds the rows of the other streams too', () => {
    expect(content.workbook.parameters.find(({ name }) => name === 'DataStream')?.value).toEqual(['Global view'])
  })

  test('is the same in the deployment and in the content hub', () => {
    const { properties } = only(deploy(template, minimal).resources, 'Microsoft.Insights/workbooks')
    expect(JSON.parse(String(properties.serializedData))).toEqual(
      JSON.parse(read('deploy/sentinel/solution/Workbooks/SiemRelayCloudDiscovery.json')),
    )
  })
})
