/** Signature ids of alerts. MDA's records hold no type name, so it is derived from the policy's type, from the title of an identity
 *  alert, and from the type number.
 *  Sources: Microsoft's lists of alert types (monitor-alerts, suspicious-activity-guide) and public parsers of its Graph names. */

/** policyRule.policyType → alert type. */
const byPolicyType: ReadonlyMap<string, string> = new Map([
  ['AUDIT', 'ALERT_CABINET_EVENT_MATCH_AUDIT'],
  ['FILE', 'ALERT_CABINET_EVENT_MATCH_FILE'],
  ['OBJECT', 'ALERT_CABINET_EVENT_MATCH_OBJECT'],
  ['INLINE', 'ALERT_CABINET_INLINE_EVENT_MATCH'],
  ['ACCESS', 'ALERT_CABINET_INLINE_EVENT_MATCH'],
  ['SESSION', 'ALERT_CABINET_INLINE_EVENT_MATCH'],
  ['NEW_SERVICE', 'ALERT_CABINET_DISCOVERY_NEW_SERVICE'],
  ['ANOMALY_DISCOVERY', 'ALERT_DISCOVERY_ANOMALY_DETECTION'],
  ['APP_PERMISSION', 'ALERT_CABINET_APP_PERMISSION'],
])

/** MDI alert name → middle part of ALERT_EXTERNAL_AATP_<…>_SECURITY_ALERT (Microsoft's table, last revision of November 2021). */
const identityAlertTypes: readonly (readonly [title: string, middle: string])[] = [
  ['Account enumeration reconnaissance', 'ACCOUNT_ENUMERATION'],
  ['Active Directory attributes reconnaissance (LDAP)', 'LDAP_SENSITIVE_ATTRIBUTE_RECONNAISSANCE'],
  // As Defender for Cloud Apps names it.
  ['Active Directory attributes Reconnaissance using LDAP', 'LDAP_SENSITIVE_ATTRIBUTE_RECONNAISSANCE'],
  ['Data exfiltration over SMB', 'SMB_DATA_EXFILTRATION'],
  ['Exchange Server Remote Code Execution (CVE-2021-26855)', 'EXCHANGE_SERVER_REMOTE_CODE_EXECUTION'],
  ['Honeytoken activity', 'HONEYTOKEN_ACTIVITY'],
  ['Malicious request of Data Protection API master key', 'RETRIEVE_DATA_PROTECTION_BACKUP_KEY'],
  ['Network mapping reconnaissance (DNS)', 'DNS_RECONNAISSANCE'],
  ['Remote code execution attempt', 'REMOTE_EXECUTION'],
  ['Remote code execution over DNS', 'DNS_REMOTE_CODE_EXECUTION'],
  ['Security principal reconnaissance (LDAP)', 'LDAP_SEARCH_RECONNAISSANCE'],
  ['Suspected AS-REP Roasting attack', 'AS_REP_ROASTING'],
  ['Suspected Brute Force attack (Kerberos, NTLM)', 'BRUTE_FORCE'],
  ['Suspected Brute Force attack (LDAP)', 'LDAP_BRUTE_FORCE'],
  ['Suspected Brute Force attack (SMB)', 'ABNORMAL_SMB_BRUTE_FORCE'],
  ['Suspected DCShadow attack (domain controller promotion)', 'DIRECTORY_SERVICES_ROGUE_PROMOTION'],
  ['Suspected DCShadow attack (domain controller replication request)', 'DIRECTORY_SERVICES_ROGUE_REPLICATION'],
  ['Suspected DCSync attack (replication of directory services)', 'DIRECTORY_SERVICES_REPLICATION'],
  ['Suspected exploitation attempt on Windows Print Spooler service', 'PRINT_NIGHTMARE'],
  ['Suspected Golden Ticket usage (encryption downgrade)', 'GOLDEN_TICKET_ENCRYPTION_DOWNGRADE'],
  ['Suspected Golden Ticket usage (forged authorization data)', 'FORGED_PAC'],
  ['Suspected Golden Ticket usage (nonexistent account)', 'FORGED_PRINCIPAL'],
  ['Suspected Golden Ticket usage (ticket anomaly)', 'GOLDEN_TICKET_SIZE_ANOMALY'],
  ['Suspected Golden Ticket usage (ticket anomaly using RBCD)', 'RESOURCE_BASED_CONSTRAINED_DELEGATION_GOLDEN_TICKET'],
  ['Suspected Golden Ticket usage (time anomaly)', 'GOLDEN_TICKET'],
  ['Suspected identity theft (pass-the-hash)', 'PASS_THE_HASH'],
  ['Suspected identity theft (pass-the-ticket)', 'PASS_THE_TICKET'],
  ['Suspected Kerberos SPN exposure (external ID 2410)', 'KERBEROASTING'],
  ['Suspected Netlogon privilege elevation attempt (CVE-2020-1472 exploitation)', 'NETLOGON_BYPASS'],
  ['Suspicious network connection over Encrypting File System Remote Protocol', 'PETIT_POTAM'],
  ['Suspected NTLM authentication tampering', 'ABNORMAL_NTLM_SIGNING'],
  ['Suspected NTLM relay attack', 'NTLM_RELAY'],
  ['Suspected overpass-the-hash attack (Kerberos)', 'ABNORMAL_KERBEROS_OVERPASS_THE_HASH'],
  ['Suspected rogue Kerberos certificate usage', 'ROGUE_CERTIFICATE_USAGE'],
  ['Suspected Skeleton Key attack (encryption downgrade)', 'SKELETON_KEY_ENCRYPTION_DOWNGRADE'],
  ['Suspected SMB packet manipulation (CVE-2020-0796 exploitation) - (preview)', 'SMB_GHOST'],
  ['Suspected use of Metasploit hacking framework', 'ABNORMAL_SMB_METASPLOIT'],
  ['Suspected WannaCry ransomware attack', 'ABNORMAL_SMB_WANNA_CRY'],
  ['Suspicious additions to sensitive groups', 'ABNORMAL_SENSITIVE_GROUP_MEMBERSHIP_CHANGE'],
  ['Suspicious communication over DNS', 'DNS_SUSPICIOUS_COMMUNICATION'],
  ['Suspicious service creation', 'MALICIOUS_SERVICE_CREATION'],
  ['Suspicious VPN connection', 'ABNORMAL_VPN'],
  ['User and Group membership reconnaissance (SAMR)', 'SAMR_RECONNAISSANCE'],
  ['User and IP address reconnaissance (SMB)', 'ENUMERATE_SESSIONS'],
]

/** Titles of built-in detections → alert type (Graph names them by the same type with the prefix `MCAS_`). */
const builtInAlertTypes: readonly (readonly [title: string, type: string])[] = [
  ['Activity from anonymous IP addresses', 'ALERT_ANUBIS_DETECTION_RISKY_IP_ANONYMOUS'],
  ['Activity from an anonymous IP address', 'ALERT_ANUBIS_DETECTION_RISKY_IP_ANONYMOUS'],
  ['Activity from infrequent country', 'ALERT_ANUBIS_DETECTION_NEW_COUNTRY'],
  ['Impossible travel', 'ALERT_ANUBIS_DETECTION_VELOCITY'],
  ['Impossible travel activity', 'ALERT_ANUBIS_DETECTION_VELOCITY'],
  ['Multiple failed login attempts', 'ALERT_ANUBIS_DETECTION_REPEATED_ACTIVITY_FAILED_LOGIN'],
  ['Unusual file download (by user)', 'ALERT_ANUBIS_DETECTION_REPEATED_ACTIVITY_DOWNLOAD'],
  ['Ransomware activity', 'ALERT_ANUBIS_DETECTION_RANSOMWARE'],
  ['Unusual region for cloud resource', 'ALERT_ANUBIS_DETECTION_UNCOMMON_CLOUD_REGION'],
]

/** App id of Active Directory: alerts that Defender for Identity raised and Cloud App Security passed on. */
export const identityServiceId = '20940'

/** Titles change in case, punctuation and "[PREVIEW]" marks between products and years; their words stay. */
export function normalizeTitle(title: string): string {
  return title
    .toLowerCase()
    .replace(/\[preview\]|\(preview\)|\bpreview\b/g, ' ')
    .replace(/[^\p{L}\p{N}]+/gu, ' ')
    .trim()
}

/** Alert types by title. A tenant's alerts repeat a few titles, so answers are kept; titles are others' text, so not without end. */
class TitleTable {
  readonly #byTitle: ReadonlyMap<string, string>
  readonly #known = new Map<string, string | undefined>()

  constructor(rows: readonly (readonly [title: string, type: string])[]) {
    this.#byTitle = new Map(rows.map(([title, type]) => [normalizeTitle(title), type]))
  }

  typeOf(title: string): string | undefined {
    if (this.#known.has(title)) return this.#known.get(title)
    if (this.#known.size >= knownTitlesMax) this.#known.clear()
    const type = this.#byTitle.get(normalizeTitle(title))
    this.#known.set(title, type)
    return type
  }
}

const knownTitlesMax = 1_000

const byIdentityTitle = new TitleTable(
  identityAlertTypes.map(([title, middle]) => [title, `ALERT_EXTERNAL_AATP_${middle}_SECURITY_ALERT`]),
)
const byBuiltInTitle = new TitleTable(builtInAlertTypes)

/** The type behind the title of a built-in detection; undefined when no table knows it. */
export function alertTypeByTitle(title: string, product: 'identity' | 'cloud-apps'): string | undefined {
  if (product === 'identity') return byIdentityTitle.typeOf(title)
  // Defender for Cloud Apps also passes on what Defender for Identity raised.
  return byBuiltInTitle.typeOf(title) ?? byIdentityTitle.typeOf(title)
}

/** `HoneytokenActivitySecurityAlert` → `ALERT_EXTERNAL_AATP_HONEYTOKEN_ACTIVITY_SECURITY_ALERT`; undefined for other names. The rule
 *  gives the table's name for 26 of the 28 detector names in Microsoft's examples; two stand for several types each and give none. */
export function alertTypeOfDetector(name: string): string | undefined {
  const [, words] = /^([A-Z][A-Za-z0-9]{2,80})SecurityAlert$/.exec(name) ?? []
  if (words === undefined || words === 'AbnormalProtocol' || words === 'EncryptionDowngrade') return undefined
  const middle = words.replace(/([a-z0-9])([A-Z])|([A-Z])(?=[A-Z][a-z])/g, '$1$3_$2').toUpperCase()
  return `ALERT_EXTERNAL_AATP_${middle}_SECURITY_ALERT`
}

/** What is known of an alert that tells its type. */
export interface AlertTypeClues {
  readonly typeId: number | undefined
  readonly policyType: string
  readonly title: string
  readonly isIdentitySourced: boolean
}

/**
 * The alert type as the SIEM agent wrote it, for example `ALERT_CABINET_EVENT_MATCH_AUDIT`.
 * @returns `ALERT_<number>` when no table knows it, `ALERT_UNKNOWN` without a number.
 */
export function alertTypeOf(clues: AlertTypeClues): string {
  // A policy's name is free text: only where no policy type decides may the title speak.
  const byPolicy = byPolicyType.get(clues.policyType)
  if (byPolicy !== undefined) return byPolicy
  const titles = clues.isIdentitySourced ? byIdentityTitle : byBuiltInTitle
  return titles.typeOf(clues.title) ?? (clues.typeId === undefined ? 'ALERT_UNKNOWN' : `ALERT_${clues.typeId}`)
}
