import { describe, expect, test } from 'vitest'
import { filterOperatorReference, filterReference } from './reference.ts'
import { suggest } from './suggest.ts'

const names = (kind: 'alert' | 'activity') => filterReference(kind).flatMap(({ field, aliases }) => [field, ...aliases])

describe('filterReference', () => {
  test('lists every alert field of the Alerts API and those public code uses', () =>
    expect(names('alert').sort()).toEqual(
      [
        ...['entity.entity', 'entity.ip', 'entity.service', 'entity.instance', 'entity.policy', 'entity.file'],
        ...['entity.user', 'alertOpen', 'read', 'severity', 'resolutionStatus', 'date', 'resolutionDate', 'risk'],
        ...['alertType', 'id', 'ID', 'source'],
      ].sort(),
    ))
  test('lists every activity field of the Activities API and those public code uses', () =>
    expect(names('activity').sort()).toEqual(
      [
        ...['service', 'instance', 'user.orgUnit', 'user.username', 'entity', 'user.tags', 'user.domain', 'actionType'],
        ...['activity.actionType', 'activity.eventType', 'activity.eventActionType', 'activity.id', 'activity.alertId'],
        ...[
          'fileId',
          'activity.impersonated',
          'activity.type',
          'activity.takenAction',
          'activityObject',
          'device.type',
        ],
        ...['device.tags', 'ip.tags', 'fileSelector', 'fileLabels', 'userAgent.userAgent', 'userAgent.tags'],
        ...['location.country', 'location.organizations', 'ip.address', 'ip.category', 'office365url', 'text', 'date'],
        ...['created', 'policy', 'source', 'activity.azureSubscriptions'],
      ].sort(),
    ))
  test('gives operators, values and what the relay adds', () =>
    expect(filterReference('alert').find(({ field }) => field === 'severity')).toEqual({
      field: 'severity',
      aliases: [],
      operators: ['eq', 'neq'],
      addedOperators: [],
      type: 'number',
      values: [
        { value: 0, meaning: 'low' },
        { value: 1, meaning: 'medium' },
        { value: 2, meaning: 'high' },
        { value: 3, meaning: 'informational' },
      ],
      note: 'Informational is 3, above high: name the values wanted.',
    }))
  test('tells operators Microsoft documents for a field from those the relay adds', () =>
    expect(filterReference('activity').find(({ field }) => field === 'userAgent.userAgent')).toMatchObject({
      operators: ['contains', 'ncontains', 'startswith', 'doesnotstartwith', 'endswith'],
      addedOperators: ['startswith', 'doesnotstartwith', 'endswith'],
    }))
  test('a field that cannot be evaluated has no operators and says why', () =>
    expect(filterReference('activity').find(({ field }) => field === 'user.orgUnit')).toMatchObject({
      operators: [],
      note: expect.stringContaining('Cannot be evaluated from the records the API returns'),
    }))
  test('every operator has a field, and every field an operator with a meaning', () => {
    const used = new Set(
      ['alert', 'activity'].flatMap((kind) => filterReference(kind as 'alert').flatMap((f) => f.operators)),
    )
    expect([...used].sort()).toEqual(
      filterOperatorReference()
        .map(({ operator }) => operator)
        .sort(),
    )
  })
})

describe('suggest', () => {
  test('finds the nearest name, without case', () => {
    expect(suggest('SEVERTY', ['severity', 'service'])).toBe('severity')
    expect(suggest('resolutionstate', ['resolutionDate', 'resolutionStatus'])).toBe('resolutionDate')
  })
  test('is silent when nothing is near', () => expect(suggest('zzzzzz', ['severity', 'service'])).toBeUndefined())
  test('bounds its work on a name of any length', () =>
    expect(suggest('x'.repeat(1_000_000), ['severity'])).toBeUndefined())
})
