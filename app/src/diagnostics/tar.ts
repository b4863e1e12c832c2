/** A tar archive of a few small files, POSIX ustar (IEEE Std 1003.1, pax). Needs no other program. */

export interface ArchivedFile {
  readonly name: string
  readonly text: string
}

const blockBytes = 512

/** @param directory in which the files are; name and directory together at most 100 bytes. */
export function tarOf(directory: string, files: readonly ArchivedFile[], nowMs: number): Buffer {
  const parts = files.flatMap(({ name, text }) => {
    const body = Buffer.from(text)
    return [headerOf(`${directory}/${name}`, body.length, nowMs), body, Buffer.alloc(padding(body.length))]
  })
  // Two empty blocks end an archive.
  return Buffer.concat([...parts, Buffer.alloc(2 * blockBytes)])
}

function headerOf(name: string, bytes: number, nowMs: number): Buffer {
  if (Buffer.byteLength(name) > 100) throw new RangeError(`${name} is too long for a tar header`)
  const header = Buffer.alloc(blockBytes)
  const octal = (value: number, length: number): string => `${value.toString(8).padStart(length - 1, '0')}\0`
  header.write(name, 0)
  header.write(octal(0o600, 8), 100)
  header.write(octal(0, 8), 108)
  header.write(octal(0, 8), 116)
  header.write(octal(bytes, 12), 124)
  header.write(octal(Math.floor(nowMs / 1_000), 12), 136)
  // The checksum is taken with spaces in its own place.
  header.write(' '.repeat(8), 148)
  header.write('0', 156)
  header.write('ustar\0' + '00', 257)
  const sum = header.reduce((total, byte) => total + byte, 0)
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
  return header
}

function padding(bytes: number): number {
  return (blockBytes - (bytes % blockBytes)) % blockBytes
}
