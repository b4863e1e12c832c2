/** Answers the questions a filter on activities has about alerts: which alerts, and which policies, name an activity. */

import type { AlertRecord } from '../data/records.ts'
import type { Tenant } from './field.ts'
import type { Shelf } from './store.ts'
import { parseEntry } from './time-index.ts'

interface Mentions {
  readonly alertIds: string[]
  readonly policyIds: string[]
}

const none: Mentions = { alertIds: [], policyIds: [] }

/** Reads the alerts on the first question of a request, and only then: few requests ask. */
export function createTenant(alerts: Shelf): Tenant {
  let mentions: Map<string, Mentions> | undefined
  return {
    alertsOf: (activityId) => {
      mentions ??= collectMentions(alerts)
      return mentions.get(activityId) ?? none
    },
  }
}

function collectMentions(alerts: Shelf): Map<string, Mentions> {
  const mentions = new Map<string, Mentions>()
  for (const entry of alerts.entries()) {
    const alert = parseEntry<AlertRecord>(entry)
    const policies = (alert.entities ?? []).filter((entity) => entity.type === 'policyRule')
    const policyIds = policies.flatMap((policy) => (typeof policy.id === 'string' ? [policy.id] : []))
    for (const activityId of alert.audits ?? []) {
      const mention = mentions.get(activityId) ?? { alertIds: [], policyIds: [] }
      mention.alertIds.push(alert._id)
      mention.policyIds.push(...policyIds)
      mentions.set(activityId, mention)
    }
  }
  return mentions
}
