/** A line that names the copy of its alert which is not sent, or was sent before: one or two more pairs at its end. */
import { writeValue } from './escape.ts'

/** Ids are 24 to 38 characters; whatever else stands there is cut. */
const idCharactersMax = 100

/** Bytes to keep free for the name: every character may take three bytes, or two when escaped. */
export const twinNameBytesMax = idCharactersMax * 3 + ' cs6Label=twinId cs6='.length

export function nameTwin(line: string, field: 'deviceExternalId' | 'cs6', id: string): string {
  const value = writeValue(id.slice(0, idCharactersMax))
  return field === 'cs6' ? `${line} cs6Label=twinId cs6=${value}` : `${line} deviceExternalId=${value}`
}
