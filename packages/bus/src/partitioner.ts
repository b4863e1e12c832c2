/** Which partition a key belongs to: Kafka's default partitioner, so that both buses and every Kafka client agree.
 *  Pure: key in, number out. */

/**
 * MurmurHash2, 32 bits, with Kafka's seed.
 * @returns a signed 32-bit integer, as the Java client computes it.
 * @see org.apache.kafka.common.utils.Utils.murmur2
 */
export function murmur2(data: Uint8Array): number {
  const length = data.length
  const m = 0x5bd1e995
  let h = 0x9747b28c ^ length
  const blocks = length & ~3
  for (let i = 0; i < blocks; i += 4) {
    // In range by the loop's bound; `?? 0` would cost a branch per byte.
    let k = data[i]! | (data[i + 1]! << 8) | (data[i + 2]! << 16) | (data[i + 3]! << 24)
    k = Math.imul(k, m)
    k ^= k >>> 24
    h = Math.imul(h, m) ^ Math.imul(k, m)
  }
  const rest = length - blocks
  if (rest === 3) h ^= data[blocks + 2]! << 16
  if (rest >= 2) h ^= data[blocks + 1]! << 8
  if (rest >= 1) {
    h ^= data[blocks]!
    h = Math.imul(h, m)
  }
  h ^= h >>> 13
  h = Math.imul(h, m)
  return h ^ (h >>> 15)
}

const scratch = Buffer.allocUnsafe(1024)

/** UTF-8 bytes of a key; the returned view is valid until the next call. */
function keyBytes(key: string): Uint8Array {
  if (key.length * 3 > scratch.length) return Buffer.from(key, 'utf8')
  return scratch.subarray(0, scratch.write(key, 0, 'utf8'))
}

/** The partition of a key among `partitions`: `toPositive(murmur2(utf8(key))) % partitions`. */
export function partitionOf(key: string, partitions: number): number {
  if (partitions <= 1) return 0
  return (murmur2(keyBytes(key)) & 0x7fffffff) % partitions
}
