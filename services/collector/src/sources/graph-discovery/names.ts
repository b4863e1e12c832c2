/** Who was seen in a list, as hashes: a name is new once, and the names themselves are not kept. Pure.
 *  A set is one value of the state: a byte that says its form, then 12 bytes for each name. */
import { createHash } from 'node:crypto'
import { RelayError } from '@siem-relay/common'
import { shortened } from './reading.ts'

/** A list as it was read: each name once, under its hash, as a row shows it. */
export type Listed = ReadonlyMap<string, string>

export interface NewName {
  readonly hash: string
  readonly text: string
}

export interface NamesStep {
  /** Names that were not known, in the list's order. */
  readonly fresh: readonly NewName[]
  /** New names there was no room for. */
  readonly leftOut: number
  /** The set once so many of the fresh names are told: who is gone stays until all are. */
  after(count: number): Buffer
}

const form = 1
const hashBytes = 12

export function addName(listed: Map<string, string>, name: string): void {
  const hash = createHash('sha256').update(name).digest().toString('latin1', 0, hashBytes)
  if (!listed.has(hash)) listed.set(hash, shortened(name))
}

/**
 * Compares a list with those known before.
 * @param before the set as `after` gave it; undefined: nobody is known.
 * @param isWhole the list was read to its end: who is not in it is forgotten. An empty list forgets nobody: an app that is used has
 *   users, so it says nothing.
 * @param room how many names the set may hold.
 */
export function compareNames(before: Buffer | undefined, listed: Listed, isWhole: boolean, room: number): NamesStep {
  const known = hashesOf(before)
  const kept = isWhole && listed.size > 0 ? known.filter((hash) => listed.has(hash)) : known
  const knownHashes = new Set(known)
  const unknown = Array.from(listed, ([hash, text]) => ({ hash, text })).filter(({ hash }) => !knownHashes.has(hash))
  const fresh = unknown.slice(0, Math.max(0, room - kept.length))
  return {
    fresh,
    leftOut: unknown.length - fresh.length,
    after: (count) =>
      encode([...(count < fresh.length ? known : kept), ...fresh.slice(0, count).map(({ hash }) => hash)]),
  }
}

/** How many names a set holds. */
export function nameCount(set: Buffer | undefined): number {
  return set === undefined ? 0 : Math.floor((set.length - 1) / hashBytes)
}

/** @throws {RelayError} `RELAY_LOG_CORRUPT` with disposition stop: taken for an empty one, everybody would be new again. */
export function checkNames(key: string, set: Buffer): void {
  if (set[0] === form && set.length % hashBytes === 1) return
  throw new RelayError(
    'RELAY_LOG_CORRUPT',
    `the names under ${key} are not readable; stopped, since everybody would be told again`,
    { disposition: 'stop' },
  )
}

function hashesOf(set: Buffer | undefined): readonly string[] {
  return Array.from({ length: nameCount(set) }, (_, i) => {
    const start = 1 + i * hashBytes
    return (set as Buffer).toString('latin1', start, start + hashBytes)
  })
}

function encode(hashes: readonly string[]): Buffer {
  return Buffer.concat([Buffer.of(form), Buffer.from(hashes.join(''), 'latin1')])
}
