/** Decimal numbers in wire formats, written in place: the hot path of framing makes no strings. */

const zero = 48

/** How many digits a whole number has. */
export function digitsOf(number: number): number {
  let digits = 1
  for (let limit = 10; number >= limit; limit *= 10) digits++
  return digits
}

/** Writes a whole number without leading zeros; returns the position behind it. */
export function writeDecimal(target: Buffer, at: number, number: number): number {
  const end = at + digitsOf(number)
  let rest = number
  for (let position = end - 1; position >= at; position--) {
    const quotient = Math.floor(rest / 10)
    target[position] = zero + rest - quotient * 10
    rest = quotient
  }
  return end
}
