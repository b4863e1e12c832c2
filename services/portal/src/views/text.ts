/** Names in the read models: as they were written, of bounded length. What is longer keeps its beginning and gets a hash of the whole,
 *  so that two long names stay two. */
import { createHash } from 'node:crypto'

const charactersMax = 256
const beginning = 230

export function boundedName(text: string | undefined): string {
  const whole = (text ?? '').toWellFormed()
  if (whole.length <= charactersMax) return whole
  const hash = createHash('sha256').update(whole).digest('hex').slice(0, 16)
  return `${whole.slice(0, beginning).toWellFormed()}…#${hash}`
}
