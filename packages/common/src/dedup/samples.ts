/** One alert as Defender for Cloud Apps and as Defender for Identity raise it, for tests. */
import type { Alert } from '../events.ts'
import { alertOf, entity } from '../filter/samples.ts'

export const timeMs = 1_677_791_402_022
export const minuteMs = 60_000
export const windowMs = 60 * minuteMs
export const type = 'ALERT_EXTERNAL_AATP_HONEYTOKEN_ACTIVITY_SECURITY_ALERT'
export const guid = '0f0f0f0f-0000-4000-8000-000000000001'

export const account = (parts: Parameters<typeof entity>[0]) => entity({ type: 'account', ...parts })
export const device = (label: string, role = 'Source') => entity({ type: 'device', label, role })

export function cloudApps(parts: Partial<Alert> = {}): Alert {
  return alertOf({
    id: '603f704aaf7417985bbf3b22',
    alertType: type,
    title: 'Honeytoken activity',
    accounts: [account({ upn: 'honey@contoso.com', id: guid })],
    devices: [device('CLIENT1'), device('DC1', 'Related')],
    services: [entity({ type: 'service', id: '20940' })],
    timestampMs: timeMs,
    startMs: timeMs,
    ...parts,
  })
}

export function identity(parts: Partial<Alert> = {}): Alert {
  return alertOf({
    source: 'contoso-identity',
    product: 'identity',
    id: `aa${guid}`,
    alertType: type,
    title: 'Honeytoken activity',
    accounts: [account({ accountName: 'honey', domain: 'CONTOSO' })],
    devices: [device('client1.contoso.com'), device('dc1.contoso.com', 'Related')],
    services: [],
    timestampMs: timeMs + 5 * minuteMs,
    startMs: timeMs,
    ...parts,
  })
}
