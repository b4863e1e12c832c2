import { describe, expect, test } from 'vitest'
import { createScenario } from './scenario.ts'

const startMs = Date.UTC(2026, 0, 15)

describe('a scenario', () => {
  const records = createScenario(1, { startMs })

  test('is the same for the same seed, and another one for another', () => {
    expect(createScenario(1, { startMs })).toEqual(records)
    expect(createScenario(2, { startMs })).not.toEqual(records)
  })

  test('is in the order in which its records are published, all after its start', () => {
    const times = records.map(({ publishedMs }) => publishedMs)
    expect(times).toEqual(times.toSorted((a, b) => a - b))
    expect(times[0]).toBeGreaterThanOrEqual(startMs)
  })

  test('has ids of the shapes of both products, each once but for updates', () => {
    const firsts = records.filter(({ isUpdate }) => !isUpdate)
    expect(new Set(firsts.map(({ id }) => id)).size).toBe(firsts.length)
    for (const { api, id } of firsts) expect(id).toMatch(api === 'graph' ? /^aa[0-9a-f-]{36}$/ : /^[0-9a-f]{24}$/)
  })

  test('reports a twin through both products, in either order, up to 50 minutes and a little delay apart', () => {
    const twins = Map.groupBy(
      records.filter(({ isTwin, isUpdate }) => isTwin && !isUpdate),
      ({ attack }) => attack,
    )
    for (const copies of twins.values()) expect(copies.map(({ api }) => api).sort()).toEqual(['defender', 'graph'])
    const firstApis = new Set([...twins.values()].map(([first]) => first?.api))
    expect(firstApis).toEqual(new Set(['defender', 'graph']))
    const skews = [...twins.values()].map(([a, b]) => Math.abs((a?.publishedMs ?? 0) - (b?.publishedMs ?? 0)))
    expect(Math.max(...skews)).toBeGreaterThan(40 * 60_000)
    expect(Math.max(...skews)).toBeLessThanOrEqual(52 * 60_000)
  })

  test('updates come after the alert, with a later lastUpdateDateTime', () => {
    const updates = records.filter(({ isUpdate }) => isUpdate)
    expect(updates).toHaveLength(100)
    for (const update of updates) {
      const first = records.find(({ id, isUpdate }) => id === update.id && !isUpdate)
      expect(update.publishedMs).toBeGreaterThan(first?.publishedMs ?? Number.POSITIVE_INFINITY)
      expect(String(update.version) > String(first?.version)).toBe(true)
    }
  })
})
