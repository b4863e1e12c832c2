/** Which tenants there are to choose from. */
import { get } from '../lib/api.ts'
import { useLoad } from '../lib/load.ts'

export function useTenants(): readonly string[] {
  return useLoad((signal) => get<{ tenants?: string[] }>('/agents', {}, signal), []).data?.tenants ?? []
}
