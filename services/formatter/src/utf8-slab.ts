/** Lines to bytes, many to a buffer: one allocation for some hundred lines instead of one each. The hot path of the formatter. */

const slabBytes = 262_144

export class Utf8Slab {
  #slab = Buffer.allocUnsafeSlow(slabBytes)
  #used = 0

  /** The text's UTF-8 bytes, in memory shared with its neighbours. */
  encode(text: string): Buffer {
    // A UTF-16 unit takes at most three bytes.
    const bytesMax = text.length * 3
    if (bytesMax > slabBytes) return Buffer.from(text)
    if (this.#used + bytesMax > slabBytes) {
      this.#slab = Buffer.allocUnsafeSlow(slabBytes)
      this.#used = 0
    }
    const start = this.#used
    this.#used += this.#slab.write(text, start)
    return this.#slab.subarray(start, this.#used)
  }
}
