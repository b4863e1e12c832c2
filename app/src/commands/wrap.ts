/** Text of others in lines for a terminal: none longer than 80 characters, nothing in it that steers the terminal. */
import { printable } from '@siem-relay/common'

export const lineLengthMax = 80

/** Breaks a text between words, and a word that is longer than a line anywhere; both arguments go in front of lines. */
export function wrap(text: string, first: string, further: string): readonly string[] {
  const lines: string[] = []
  let line = ''
  const indent = (): string => (lines.length === 0 ? first : further)
  const room = (): number => lineLengthMax - indent().length
  const flush = (): void => {
    if (line !== '') lines.push(`${indent()}${line}`)
    line = ''
  }
  for (const word of printable(text).split(/ +/)) {
    if (line !== '' && line.length + 1 + word.length > room()) flush()
    let rest = line === '' ? word : `${line} ${word}`
    while (rest.length > room()) {
      line = rest.slice(0, room())
      rest = rest.slice(line.length)
      flush()
    }
    line = rest
  }
  flush()
  return lines
}
