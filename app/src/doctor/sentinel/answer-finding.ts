/** What Azure's answer to an upload means for a person. */
import type { SentinelDestination } from '@siem-relay/common'
import type { Answer } from '@siem-relay/sentinel-sender'
import type { Finding } from '../check.ts'

const role = 'Monitoring Metrics Publisher'

export function answerFinding(
  answer: Answer,
  stream: string,
  { ruleId, endpoint, cloud }: SentinelDestination,
  storedText: string,
): Finding {
  switch (answer.type) {
    case 'stored':
      return { status: 'ok', seen: storedText }
    case 'unauthorized':
      return {
        status: 'failed',
        seen: `the token was refused: ${answer.reason}`,
        fix: `Check that cloud (${cloud}) is the one of the rule, that tenantId is the directory of its subscription, and the clock of this machine.`,
      }
    case 'forbidden':
      return {
        status: 'failed',
        seen: `the identity may not write to the rule: ${answer.reason}`,
        fix: `Assign ${role} on the data collection rule itself to the identity of the token: az role assignment create --assignee-object-id OBJECT-ID --assignee-principal-type ServicePrincipal --role "${role}" --scope RULE-RESOURCE-ID. A new assignment takes up to 30 minutes; the relay tries again by itself.`,
      }
    case 'not-found':
      return {
        status: 'failed',
        seen: `${new URL(endpoint).host} knows no rule ${ruleId} with the stream ${stream}: ${answer.reason}`,
        fix: 'Compare ruleId with the immutableId of the rule, and endpoint with its logsIngestion endpoint (or that of a data collection endpoint in its region): az monitor data-collection rule show. A rule that was made a moment ago takes some minutes.',
      }
    case 'refused':
      return {
        status: 'failed',
        seen: `refused: ${answer.reason}`,
        fix: `The rule has no stream ${stream}, or it declares other columns: deploy deploy/sentinel of this version, or set streams to what the rule declares.`,
      }
    case 'too-large':
      return {
        status: 'failed',
        seen: 'refused as too large',
        fix: 'Something in between limits requests: look at the proxy.',
      }
    case 'throttled':
      return {
        status: 'warning',
        seen: 'Azure asks to slow down; whether the stream is right is not known',
        fix: 'Run the check again in a minute. If it lasts, another data collection rule has limits of its own.',
      }
    case 'failed':
      return {
        status: 'failed',
        seen: answer.reason,
        fix: 'Run the check again; if it lasts, look at Azure status and the proxy.',
      }
    default:
      return answer satisfies never
  }
}
