/** The files for the content hub say the same as the deployment. */
import { globSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { wholeQuery } from '../../scripts/sentinel/content.ts'
import { content, read, root, yaml } from '../support/sentinel.ts'

describe('content hub', () => {
  test('names files that are there, all of them', () => {
    const folder = 'deploy/sentinel/solution'
    const solution = JSON.parse(read(`${folder}/Data/Solution_SiemRelay.json`)) as Record<string, readonly string[]>
    const listed = ['Parsers', 'Workbooks', 'Analytic Rules', 'Hunting Queries'].flatMap((kind) => solution[kind] ?? [])
    const there = globSync(`${folder}/{Parsers,Workbooks,Analytic Rules,Hunting Queries}/*`, { cwd: root }).map(
      (path) => path.replaceAll('\\', '/').replace(`${folder}/`, ''),
    )
    expect(there.length).toBeGreaterThan(8)
    expect(listed.toSorted()).toEqual(there.toSorted())
    expect(solution['Data Connectors']?.map((path) => read(`${folder}/${path}`).length > 0)).toEqual([true])
  })

  test('rules and hunting queries read back as they were written', () => {
    const rules = globSync('deploy/sentinel/solution/Analytic Rules/*.yaml', { cwd: root }).map((path) =>
      yaml<Record<string, unknown>>(path),
    )
    expect(rules.map(({ id }) => id).toSorted()).toEqual(content.rules.map(({ id }) => id).toSorted())
    for (const rule of content.rules)
      expect(rules.find(({ id }) => id === rule.id)).toMatchObject({
        description: rule.description,
        queryPeriod: rule.period,
        query: `${wholeQuery(rule)}\n`,
        customDetails: { RelayAlertId: 'SystemAlertId' },
      })
    const hunting = globSync('deploy/sentinel/solution/Hunting Queries/*.yaml', { cwd: root }).map((path) =>
      yaml<Record<string, unknown>>(path),
    )
    for (const { id, tactics, techniques, query } of content.hunting)
      expect(hunting.find((each) => each.id === id)).toMatchObject({
        tactics,
        relevantTechniques: techniques,
        query: `${query}\n`,
      })
  })

  test('ids are GUIDs, each used once', () => {
    const ids = [...content.functions, ...content.rules, ...content.hunting].map(({ id }) => id)
    for (const id of ids) expect(id).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/)
    expect(new Set(ids).size).toBe(ids.length)
  })
})
