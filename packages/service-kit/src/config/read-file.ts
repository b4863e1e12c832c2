/** Reads the small text files a configuration is made of: itself and the secrets it names. */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs'

export interface FileText {
  readonly text: string
  /** Others than the owner and the group can read it; undefined where the system has no such modes. */
  readonly isReadableByOthers?: boolean
}

/** @throws a system error, or an Error saying that the file is longer than `bytesMax`. */
export type ReadFile = (path: string, bytesMax: number) => FileText

export const readTextFile: ReadFile = (path, bytesMax) => {
  const file = openSync(path, 'r')
  try {
    // Read up to the bound whatever the size says: pipes and /proc files say 0.
    const buffer = Buffer.alloc(bytesMax + 1)
    let bytes = 0
    for (let read = 1; read > 0 && bytes < buffer.length; bytes += read)
      read = readSync(file, buffer, bytes, buffer.length - bytes, null)
    if (bytes > bytesMax) throw new Error(`longer than ${bytesMax} bytes`)
    const text = buffer.toString('utf8', 0, bytes)
    if (process.platform === 'win32') return { text }
    return { text, isReadableByOthers: (fstatSync(file).mode & 0o004) !== 0 }
  } finally {
    closeSync(file)
  }
}

/** Why a file could not be read, with the next move. */
export function describeReadError(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : undefined
  if (code === 'ENOENT') return 'there is no such file (ENOENT): check the path'
  if (code === 'EACCES' || code === 'EPERM') return `it may not be read (${code}): make it readable for this user`
  if (code === 'EISDIR') return 'it is a directory (EISDIR): name a file in it'
  if (code !== undefined) return `reading failed (${code}): check the path and the disk`
  return error instanceof Error ? error.message : 'reading failed'
}
