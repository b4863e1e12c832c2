/** The APIs that grant a tenant a request budget, and how large it is where no source says otherwise. Sources that ask the same
 *  API of the same tenant share its gate (../tenant-gate.ts). */

/**
 * - `cloud-apps`: 30 requests a minute and tenant (Defender for Cloud Apps, API introduction).
 * - `graph`: 150 a minute for one app in one tenant (Graph's throttling limits, security alerts).
 */
export const requestsPerMinuteDefaults = { 'cloud-apps': 30, graph: 150 } as const

export type Api = keyof typeof requestsPerMinuteDefaults

export const apis = Object.keys(requestsPerMinuteDefaults) as readonly Api[]
