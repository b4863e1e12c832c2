/** Distinguished Encoding Rules (ITU-T X.690), as much of them as a certificate needs. Pure: values in, bytes out. */

const tags = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  objectIdentifier: 0x06,
  utf8String: 0x0c,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
} as const

/** identifier octet, length octets, contents octets (X.690 §8.1). */
function encode(tag: number, contents: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from([tag]), encodeLength(contents.length), contents])
}

/** Short form below 128, else the number of length octets and the octets (X.690 §8.1.3). */
function encodeLength(length: number): Buffer {
  if (length < 0x80) return Buffer.from([length])
  const hex = length.toString(16)
  const octets = Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex')
  return Buffer.concat([Buffer.from([0x80 | octets.length]), octets])
}

export const der = {
  sequence: (...parts: readonly Buffer[]): Buffer => encode(tags.sequence, Buffer.concat(parts)),
  set: (...parts: readonly Buffer[]): Buffer => encode(tags.set, Buffer.concat(parts)),
  boolean: (value: boolean): Buffer => encode(tags.boolean, Buffer.from([value ? 0xff : 0])),
  utf8String: (text: string): Buffer => encode(tags.utf8String, Buffer.from(text)),
  octetString: (bytes: Uint8Array): Buffer => encode(tags.octetString, bytes),

  /** @param bytes an unsigned number, most significant byte first. */
  integer(bytes: Uint8Array): Buffer {
    const first = bytes.findIndex((byte) => byte !== 0)
    const digits = first === -1 ? Buffer.from([0]) : bytes.subarray(first)
    // Two's complement: a leading one would make it negative.
    return encode(tags.integer, (digits[0] ?? 0) < 0x80 ? digits : Buffer.concat([Buffer.from([0]), digits]))
  },

  /** @param unusedBits how many of the last byte's low bits do not belong to the string. */
  bitString: (bytes: Uint8Array, unusedBits = 0): Buffer =>
    encode(tags.bitString, Buffer.concat([Buffer.from([unusedBits]), bytes])),

  /** The first two numbers share an octet, the others have seven bits in each (X.690 §8.19). */
  objectIdentifier(dotted: string): Buffer {
    const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number)
    const octets = [first * 40 + second, ...rest].flatMap((number) => {
      const septets = [number & 0x7f]
      for (let left = number >>> 7; left > 0; left >>>= 7) septets.unshift((left & 0x7f) | 0x80)
      return septets
    })
    return encode(tags.objectIdentifier, Buffer.from(octets))
  },

  /** UTCTime through 2049, GeneralizedTime from then on (RFC 5280 §4.1.2.5). Whole seconds. */
  time(timeMs: number): Buffer {
    const digits = `${new Date(timeMs).toISOString().replace(/[-:T]|\..*/g, '')}Z`
    return digits < '2050'
      ? encode(tags.utcTime, Buffer.from(digits.slice(2)))
      : encode(tags.generalizedTime, Buffer.from(digits))
  },

  /** A context-specific tag around a value: constructed when the value is an encoding, primitive when it is bytes. */
  tagged: (number: number, contents: Uint8Array, form: 'constructed' | 'primitive' = 'constructed'): Buffer =>
    encode((form === 'constructed' ? 0xa0 : 0x80) | number, contents),
}
