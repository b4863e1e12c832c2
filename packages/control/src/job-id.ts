/** Names of jobs: short enough to type, sorted by time, and names that topics and groups can have. */
import { randomBytes } from 'node:crypto'

export function jobId(nowMs: number): string {
  const time = new Date(nowMs).toISOString().slice(0, 19).replaceAll(/[-:]/g, '').toLowerCase()
  return `${time}-${randomBytes(2).toString('hex')}`
}
