/** Seeded randomness (sfc32): the same seed gives the same numbers on every machine.
 *  Not for secrets. Everything random in the simulator comes through here, so that a failing run is a seed. */

export interface Random {
  /** 32 random bits as an unsigned integer. */
  bits(): number
  /** An integer from 0 to below `below`. */
  integer(below: number): number
  /** True with the given probability. */
  chance(probability: number): boolean
  pick<T>(items: readonly T[]): T
  /** `digits` hexadecimal digits; a multiple of 8. */
  hex(digits: number): string
  guid(): string
}

export function createRandom(seed: number): Random {
  let a = seed >>> 0
  let b = Math.floor(seed / 2 ** 32) >>> 0
  let c = 0x9e3779b9
  let counter = 1

  function bits(): number {
    const sum = (((a + b) | 0) + counter) | 0
    counter = (counter + 1) | 0
    a = b ^ (b >>> 9)
    b = (c + (c << 3)) | 0
    c = (c << 21) | (c >>> 11)
    c = (c + sum) | 0
    return sum >>> 0
  }
  // The first outputs still look like the seed: neighbouring seeds would begin alike.
  for (let round = 0; round < 15; round += 1) bits()

  const integer = (below: number): number => Math.floor((bits() / 2 ** 32) * below)
  const word = (): string => bits().toString(16).padStart(8, '0')

  return {
    bits,
    integer,
    chance: (probability) => bits() / 2 ** 32 < probability,
    pick: (items) => {
      const item = items[integer(items.length)]
      if (item === undefined) throw new RangeError('cannot pick from an empty list: pass at least one item')
      return item
    },
    hex: (digits) => {
      let text = ''
      while (text.length < digits) text += word()
      return text.slice(0, digits)
    },
    guid: () => {
      const [first, second, third, fourth] = [word(), word(), word(), word()]
      return `${first}-${second.slice(0, 4)}-4${second.slice(5)}-a${third.slice(1, 4)}-${third.slice(4)}${fourth}`
    },
  }
}
