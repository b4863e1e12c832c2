/** Parts that alerts of several shapes have in common. */
import type { AlertEntity, MdaSeverity } from '../events.ts'

/** An entity of which nothing is known. */
export const noEntity: AlertEntity = {
  type: '',
  id: '',
  label: '',
  instance: '',
  saas: '',
  role: '',
  upn: '',
  email: '',
  policyType: '',
  accountName: '',
  domain: '',
  sid: '',
}

const severities: ReadonlyMap<string, MdaSeverity> = new Map([
  ['low', 0],
  ['medium', 1],
  ['high', 2],
  ['informational', 3],
])

/** Severity as Graph and the hunting tables write it, in any case; undefined for another word. */
export function severityOfWord(word: string): MdaSeverity | undefined {
  return severities.get(word.toLowerCase())
}
