import { describe, expect, test } from 'vitest'
import { createRandom } from '../data/random.ts'
import { activity, alert, listIds, startForTest } from '../test-support.ts'
import { createShelves, createStore, Shelf } from './store.ts'

describe('store', () => {
  test('drops the record that arrived first at its bound, per kind', async () => {
    await using simulator = await startForTest({ recordsMax: 3 })
    simulator.store.addAlert(alert('kept', 1))
    for (const time of [50, 40, 30, 20, 10]) simulator.store.addActivity(activity(`t${time}`, time))
    expect(simulator.store.counts).toEqual({ alerts: 1, activities: 3 })
    expect(await listIds(simulator, 'activities', { sortDirection: 'asc' })).toEqual(['t10', 't20', 't30'])
    expect(simulator.store.all('activities').map((record) => record._id)).toEqual(['t30', 't20', 't10'])
  })

  test('an update changes the alert in place, also its time; an unknown id changes nothing', async () => {
    await using simulator = await startForTest()
    simulator.store.addAlert(alert('a', 10, { statusValue: 0, title: 'kept' }))
    simulator.store.addAlert(alert('b', 20))
    expect(await listIds(simulator, 'alerts')).toEqual(['b', 'a'])
    expect(simulator.store.updateAlert('a', { timestamp: 30, statusValue: 2 })).toBe(true)
    expect(simulator.store.updateAlert('c', { timestamp: 40 })).toBe(false)
    expect(await listIds(simulator, 'alerts')).toEqual(['a', 'b'])
    expect(simulator.store.all('alerts')[0]).toEqual({ _id: 'a', timestamp: 30, statusValue: 2, title: 'kept' })
  })

  test('adding an id twice replaces the record', () => {
    const store = createStore(createShelves(10))
    store.addActivity(activity('a', 1))
    store.addActivity(activity('a', 2))
    expect(store.all('activities')).toEqual([{ _id: 'a', timestamp: 2, created: 2 }])
  })

  test('a record without times is kept as it is and counts as the beginning of time', async () => {
    await using simulator = await startForTest()
    simulator.store.addActivity({ _id: 'odd', timestamp: 'soon' as unknown as number })
    expect(await listIds(simulator, 'activities', { filters: { created: { lte: 0 } } })).toEqual(['odd'])
  })

  test('its time index agrees with sorting everything, whatever the order of arrivals, updates and queries', () => {
    const random = createRandom(7)
    const shelf = new Shelf(150)
    const model = new Map<string, { readonly time: number; readonly order: number }>()
    for (let order = 0; order < 1000; order += 1) {
      const id = `r${random.integer(200)}`
      const time = random.integer(50)
      shelf.put(activity(id, time))
      model.set(id, { time, order: model.get(id)?.order ?? order })
      if (model.size > 150) model.delete(model.keys().next().value as string)
      if (!random.chance(0.05)) continue
      const expected = [...model].sort(([, a], [, b]) => a.time - b.time || a.order - b.order)
      expect(
        shelf
          .index('createdMs')
          .ascending()
          .map((entry) => entry.id),
      ).toEqual(expected.map(([key]) => key))
      expect(shelf.index('dateMs').positionOf(25)).toBe(expected.filter(([, each]) => each.time < 25).length)
    }
  })
})
