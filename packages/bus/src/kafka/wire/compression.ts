/** Compression of record batches with what Node has: none, gzip, zstd. Snappy and LZ4 of foreign writers would need other code. */
import { constants, gunzipSync, gzipSync, zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import { RelayError } from '@siem-relay/common'

export type Compression = 'zstd' | 'gzip' | 'none'

/** The three low bits of a batch's attributes. */
const codes = { none: 0, gzip: 1, zstd: 4 } as const
const codeMask = 0x07
/** Level 1: half the time of the default for a tenth more bytes, on messages and records as they are. */
const zstdOptions = { params: { [constants.ZSTD_c_compressionLevel]: 1 } }
/** What an honest writer packs into a batch is far below; a damaged or hostile one must not fill memory. */
const unpackedBytesMax = 256 * 1_048_576

export function compress(bytes: Buffer, compression: Compression): { code: number; bytes: Buffer } {
  switch (compression) {
    case 'zstd':
      return { code: codes.zstd, bytes: zstdCompressSync(bytes, zstdOptions) }
    case 'gzip':
      return { code: codes.gzip, bytes: gzipSync(bytes, { level: 1 }) }
    case 'none':
      return { code: codes.none, bytes }
    default:
      return compression satisfies never
  }
}

/** @throws {RelayError} `RELAY_BUS_TOPIC` for a codec that only other writers use. */
export function decompress(bytes: Buffer, attributes: number): Buffer {
  switch (attributes & codeMask) {
    case codes.none:
      return bytes
    case codes.gzip:
      return gunzipSync(bytes, { maxOutputLength: unpackedBytesMax })
    case codes.zstd:
      return zstdDecompressSync(bytes, { maxOutputLength: unpackedBytesMax })
    default:
      throw new RelayError(
        'RELAY_BUS_TOPIC',
        'a topic holds records compressed with snappy or lz4, which another program wrote; set its compression.type to producer or zstd',
      )
  }
}
