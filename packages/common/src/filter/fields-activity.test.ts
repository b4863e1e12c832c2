import { describe, expect, test } from 'vitest'
import type { Activity } from '../events.ts'
import { compileFilter } from './compile.ts'
import { activityOf } from './samples.ts'
import type { FilterDefinition } from './schema.ts'

const matches = (definition: FilterDefinition, parts: Partial<Activity> = {}) =>
  compileFilter('activity', definition).matches(activityOf(parts), 1_677_900_000_000)

/** Expected by hand from "Activities API", Filters, and the values of the sample activity. */
const cases: readonly [passes: boolean, definition: FilterDefinition][] = [
  [true, { service: { eq: [11770, 11161] } }],
  [false, { service: { neq: ['11161'] } }],
  [true, { instance: { eq: 1059065 } }],
  [true, { 'user.username': { eq: 'adelev@contoso.com' } }],
  [true, { 'user.username': { startswith: ['adele'] } }],
  [false, { 'user.username': { isnotset: true } }],
  [true, { 'user.username': { endswith: ['@CONTOSO.com'] } }],
  [true, { entity: { eq: [{ id: 'actor-1', saas: 11161, inst: 0 }] } }],
  [false, { entity: { eq: 'site-1' } }],
  [true, { entity: { startswith: 'adele' } }],
  [true, { entity: { isset: true } }],
  [true, { 'user.tags': { eq: ['5c0b'] } }],
  [false, { 'user.tags': { neq: ['5c0b', 'other'] } }],
  [true, { 'user.tags': { startswith: '5c' } }],
  [true, { 'user.domain': { eq: 'contoso.com' } }],
  [false, { 'user.domain': { neq: ['contoso.com'] } }],
  [true, { actionType: { contains: 'loggedin' } }],
  [true, { actionType: { eq: 'EVENT_CATEGORY_LOGIN' } }],
  [true, { 'activity.actionType': { eq: ['EVENT_CATEGORY_LOGIN'] } }],
  [true, { 'activity.eventType': { eq: ['EVENT_CATEGORY_LOGIN', 'EVENT_CATEGORY_FAILED_LOGIN'] } }],
  [true, { 'activity.eventActionType': { eq: 'EVENT_O365_AAD_LOGIN' } }],
  [false, { 'activity.eventActionType': { neq: 'EVENT_O365_AAD_LOGIN' } }],
  [true, { 'activity.id': { eq: '97134000_11161_6d3f' } }],
  [true, { fileId: { eq: 'site-1' } }],
  [true, { 'activity.impersonated': { eq: true } }],
  [false, { 'activity.type': { eq: true } }],
  [true, { 'activity.takenAction': { eq: ['block', 'proxy'] } }],
  [false, { 'activity.takenAction': { eq: 'null' } }],
  [true, { activityObject: { eq: ['site-1'] } }],
  [false, { activityObject: { neq: ['site-1'] } }],
  [true, { 'device.type': { eq: ['DESKTOP'] } }],
  [true, { 'device.type': { neq: ['MOBILE', null] } }],
  [true, { 'device.tags': { eq: 'dt-managed' } }],
  [true, { 'userAgent.userAgent': { contains: ['edg/'] } }],
  [false, { 'userAgent.userAgent': { ncontains: ['curl', 'WINDOWS'] } }],
  [true, { 'userAgent.tags': { eq: ['ua-old'] } }],
  [true, { 'location.country': { eq: ['de', 'FR'] } }],
  [true, { 'location.organizations': { contains: 'telecom' } }],
  [true, { 'ip.address': { startswith: ['203.0.'] } }],
  [false, { 'ip.address': { doesnotstartwith: ['10.', '203.'] } }],
  [true, { 'ip.category': { eq: [1, 4] } }],
  [false, { 'ip.category': { neq: 1 } }],
  [true, { 'ip.tags': { eq: 'tor' } }],
  [true, { text: { text: 'vance SESSION' } }],
  [false, { text: { text: 'vance absent' } }],
  [true, { text: { startswithsingle: 'log on' } }],
  [false, { text: { startswithsingle: 'session' } }],
  [true, { text: { eq: 'office 365' } }],
  [true, { date: { range: [{ start: 1_677_791_402_022, end: 1_677_791_402_022 }] } }],
  [true, { created: { gt: 1_677_791_675_021, lt: 1_677_791_675_023, eq: 1_677_791_675_022 } }],
  [false, { created: { gt: 1_677_791_675_022 } }],
  [false, { created: { lt: 1_677_791_675_022 } }],
  [true, { policy: { eq: 'p-1' } }],
  [true, { policy: { isset: true } }],
  [true, { source: { eq: [2] } }],
  [false, { source: { neq: [2, 3] } }],
]

describe('activity fields', () => {
  test.each(cases)('%s: %j', (passes, definition) => expect(matches(definition)).toBe(passes))

  test('null asks for records without a value, as null or as the text of the tables', () => {
    expect(matches({ 'activity.takenAction': { eq: [null] } }, { takenAction: '' })).toBe(true)
    expect(matches({ 'activity.takenAction': { eq: ['null'] } }, { takenAction: '' })).toBe(true)
    expect(matches({ 'activity.takenAction': { neq: [null] } }, { takenAction: '' })).toBe(false)
    expect(matches({ 'user.username': { eq: [null, 'x'] } }, { userName: '' })).toBe(true)
  })
  test('a domain is what follows the last @, or precedes the backslash', () => {
    expect(matches({ 'user.domain': { eq: 'CORP' } }, { userName: 'corp\\adele' })).toBe(true)
    expect(matches({ 'user.domain': { eq: 'c.com' } }, { userName: 'a@b@c.com' })).toBe(true)
    expect(matches({ 'user.domain': { isnotset: true } }, { userName: 'SYSTEM' })).toBe(true)
  })
  test('policy isnotset passes an activity no policy matched', () =>
    expect(matches({ policy: { isnotset: true } }, { policyIds: [] })).toBe(true))
})
