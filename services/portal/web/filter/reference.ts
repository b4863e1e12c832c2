/** The filter language, asked for once. */
import type { FilterReference } from '../../src/contract/records.ts'
import { get } from '../lib/api.ts'
import { type Loaded, useLoad } from '../lib/load.ts'

let known: FilterReference | undefined

export function useFilterReference(): Loaded<FilterReference> {
  return useLoad(async (signal) => {
    known ??= await get<FilterReference>('/filter-reference', {}, signal)
    return known
  }, [])
}
