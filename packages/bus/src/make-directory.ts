/** A directory with its parents, as `mkdir -p`. Node's own recursive mkdir never returns where the parent exists and still
 *  refuses with ENOENT, as /proc does (seen on Node 26.10). */
import { existsSync, mkdirSync, statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'

/** @throws the file system's error for the directory that could not be made. */
export function makeDirectory(path: string, mode: number): void {
  const directory = resolve(path)
  if (existsSync(directory)) {
    if (statSync(directory).isDirectory()) return
    throw Object.assign(new Error(`EEXIST: ${directory} is a file, not a directory`), { code: 'EEXIST' })
  }
  makeDirectory(dirname(directory), mode)
  try {
    mkdirSync(directory, { mode })
  } catch (error) {
    // Somebody else may have made it in between.
    if (!existsSync(directory)) throw error
  }
}
