/** A line that names the copy of its alert which is not sent, or was sent before: one or two more pairs at the end of a CEF line,
 *  one more member of a JSON object. */
import { writeValue } from './escape.ts'

/** Ids are 24 to 38 characters; whatever else stands there is cut. */
const idCharactersMax = 100

/** Bytes to keep free for the name: every character may take three bytes, or six as an escape of JSON. */
export const twinNameBytesMax = idCharactersMax * 6 + ' cs6Label=twinId cs6='.length

export function nameTwin(line: string, field: 'deviceExternalId' | 'cs6', id: string): string {
  if (line.startsWith('{')) return `${line.slice(0, -1)},"TwinAlertId":${JSON.stringify(id.slice(0, idCharactersMax))}}`
  const value = writeValue(id.slice(0, idCharactersMax))
  return field === 'cs6' ? `${line} cs6Label=twinId cs6=${value}` : `${line} deviceExternalId=${value}`
}
