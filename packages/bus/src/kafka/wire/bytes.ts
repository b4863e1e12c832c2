/** The primitive types of Kafka's protocol, written and read one after another.
 *  @see https://kafka.apache.org/protocol#protocol_types Big-endian; STRING and BYTES carry their length, ARRAY its count;
 *  varints of record batches are zigzag-encoded. Offsets and times are numbers: they stay below 2^53. */

const growthBytes = 256

/** Writes into a buffer that grows. */
export class ByteWriter {
  #bytes: Buffer
  #length = 0

  constructor(bytes = growthBytes) {
    this.#bytes = Buffer.allocUnsafe(bytes)
  }

  get length(): number {
    return this.#length
  }

  /** What was written; shares memory with the writer. */
  get written(): Buffer {
    return this.#bytes.subarray(0, this.#length)
  }

  int8(value: number): this {
    const at = this.#reserve(1)
    this.#bytes[at] = value & 0xff
    return this
  }

  int16(value: number): this {
    const at = this.#reserve(2)
    this.#bytes.writeInt16BE(value, at)
    return this
  }

  int32(value: number): this {
    const at = this.#reserve(4)
    this.#bytes.writeInt32BE(value, at)
    return this
  }

  uint32(value: number): this {
    const at = this.#reserve(4)
    this.#bytes.writeUInt32BE(value, at)
    return this
  }

  int64(value: number | bigint): this {
    const at = this.#reserve(8)
    if (typeof value === 'bigint') this.#bytes.writeBigInt64BE(value, at)
    else {
      this.#bytes.writeInt32BE(Math.floor(value / 0x1_0000_0000), at)
      this.#bytes.writeUInt32BE(value >>> 0, at + 4)
    }
    return this
  }

  /** Zigzag varint of up to 32 bits. */
  varint(value: number): this {
    let rest = ((value << 1) ^ (value >> 31)) >>> 0
    const at = this.#reserve(5)
    let length = 0
    while (rest > 0x7f) {
      this.#bytes[at + length++] = (rest & 0x7f) | 0x80
      rest >>>= 7
    }
    this.#bytes[at + length++] = rest
    this.#length = at + length
    return this
  }

  /** UVARINT of flexible versions. */
  uvarint(value: number): this {
    let rest = value
    while (rest > 0x7f) {
      this.int8((rest & 0x7f) | 0x80)
      rest = Math.floor(rest / 128)
    }
    return this.int8(rest)
  }

  string(value: string | null): this {
    if (value === null) return this.int16(-1)
    const length = Buffer.byteLength(value)
    this.int16(length)
    const at = this.#reserve(length)
    this.#bytes.write(value, at)
    return this
  }

  /** COMPACT_STRING of flexible versions. */
  compactString(value: string): this {
    const length = Buffer.byteLength(value)
    this.uvarint(length + 1)
    const at = this.#reserve(length)
    this.#bytes.write(value, at)
    return this
  }

  bytes(value: Uint8Array): this {
    return this.int32(value.length).raw(value)
  }

  raw(value: Uint8Array): this {
    const at = this.#reserve(value.length)
    this.#bytes.set(value, at)
    return this
  }

  /** Text as varint length and UTF-8: keys and header names of records. */
  varintString(value: string): this {
    const bytesMax = value.length * 3
    if (bytesMax < 64) {
      // One byte of length whatever it turns out to be.
      const at = this.#reserve(bytesMax + 1)
      const length = this.#bytes.write(value, at + 1)
      this.#bytes[at] = length << 1
      this.#length = at + 1 + length
      return this
    }
    const length = Buffer.byteLength(value)
    this.varint(length)
    const at = this.#reserve(length)
    this.#bytes.write(value, at)
    return this
  }

  array<T>(items: readonly T[], write: (item: T) => void): this {
    this.int32(items.length)
    for (const item of items) write(item)
    return this
  }

  /** COMPACT_ARRAY of flexible versions. */
  compactArray<T>(items: readonly T[], write: (item: T) => void): this {
    this.uvarint(items.length + 1)
    for (const item of items) write(item)
    return this
  }

  patchInt32(at: number, value: number): void {
    this.#bytes.writeInt32BE(value, at)
  }

  patchUint32(at: number, value: number): void {
    this.#bytes.writeUInt32BE(value, at)
  }

  /** Forgets what was written and starts again in the same memory. */
  clear(): void {
    this.#length = 0
  }

  #reserve(bytes: number): number {
    const at = this.#length
    const length = at + bytes
    if (length > this.#bytes.length) {
      const grown = Buffer.allocUnsafe(Math.max(length, this.#bytes.length * 2))
      this.#bytes.copy(grown, 0, 0, at)
      this.#bytes = grown
    }
    this.#length = length
    return at
  }
}

/** Reads from a buffer. @throws {RangeError} at the end of it. */
export class ByteReader {
  readonly #bytes: Buffer
  #at: number

  constructor(bytes: Buffer, at = 0) {
    this.#bytes = bytes
    this.#at = at
  }

  get position(): number {
    return this.#at
  }

  get remaining(): number {
    return this.#bytes.length - this.#at
  }

  skip(bytes: number): void {
    this.#at += bytes
  }

  int8(): number {
    return this.#bytes.readInt8(this.#advance(1))
  }

  int16(): number {
    return this.#bytes.readInt16BE(this.#advance(2))
  }

  int32(): number {
    return this.#bytes.readInt32BE(this.#advance(4))
  }

  int64(): number {
    const at = this.#advance(8)
    return this.#bytes.readInt32BE(at) * 0x1_0000_0000 + this.#bytes.readUInt32BE(at + 4)
  }

  /** Ids that may need all 64 bits. */
  bigint64(): bigint {
    return this.#bytes.readBigInt64BE(this.#advance(8))
  }

  varint(): number {
    const bytes = this.#bytes
    let at = this.#at
    let byte = bytes[at++] ?? outOfRange()
    let value = byte & 0x7f
    for (let shift = 7; byte & 0x80; shift += 7) {
      byte = bytes[at++] ?? outOfRange()
      value |= (byte & 0x7f) << shift
    }
    this.#at = at
    return (value >>> 1) ^ -(value & 1)
  }

  /** Passes a varint of up to 64 bits whose value is not needed. */
  skipVarint(): void {
    while ((this.#bytes[this.#at++] ?? outOfRange()) & 0x80);
  }

  uvarint(): number {
    let value = 0
    for (let factor = 1; ; factor *= 128) {
      const byte = this.#bytes[this.#at++] ?? outOfRange()
      value += (byte & 0x7f) * factor
      if ((byte & 0x80) === 0) return value
    }
  }

  string(): string | null {
    const length = this.int16()
    if (length < 0) return null
    return this.text(length)
  }

  /** COMPACT_NULLABLE_STRING of flexible versions. */
  compactString(): string | null {
    const length = this.uvarint() - 1
    if (length < 0) return null
    return this.text(length)
  }

  text(length: number): string {
    const at = this.#advance(length)
    return this.#bytes.toString('utf8', at, at + length)
  }

  bytes(): Buffer {
    return this.raw(Math.max(0, this.int32()))
  }

  /** Shares memory with what is read. */
  raw(length: number): Buffer {
    const at = this.#advance(length)
    return this.#bytes.subarray(at, at + length)
  }

  array<T>(read: () => T): T[] {
    const count = this.int32()
    if (count > this.remaining) outOfRange()
    const items: T[] = []
    for (let index = 0; index < count; index++) items.push(read())
    return items
  }

  /** COMPACT_ARRAY of flexible versions. */
  compactArray<T>(read: () => T): T[] {
    const count = this.uvarint() - 1
    if (count > this.remaining) outOfRange()
    const items: T[] = []
    for (let index = 0; index < count; index++) items.push(read())
    return items
  }

  /** Tagged fields of flexible versions: what a newer broker may add is passed. */
  skipTags(): void {
    for (let count = this.uvarint(); count > 0; count--) {
      this.uvarint()
      this.raw(this.uvarint())
    }
  }

  #advance(bytes: number): number {
    const at = this.#at
    if (bytes < 0 || at + bytes > this.#bytes.length) outOfRange()
    this.#at = at + bytes
    return at
  }
}

function outOfRange(): never {
  throw new RangeError('an answer of Kafka ended too early')
}
