/** "Did you mean": the nearest of a few known words to a misspelt one. */

const wordLengthMax = 64

/** The nearest candidate within a third of the word's length (at most 3 edits), or undefined. Case does not count. */
export function closest(word: string, candidates: Iterable<string>): string | undefined {
  if (word.length > wordLengthMax) return undefined
  const editsMax = Math.min(3, Math.max(1, Math.floor(word.length / 3)))
  let best: string | undefined
  let bestEdits = editsMax + 1
  for (const candidate of candidates) {
    const edits = editDistance(word.toLowerCase(), candidate.toLowerCase())
    if (edits < bestEdits) [best, bestEdits] = [candidate, edits]
  }
  return best
}

/** Optimal string alignment: inserted, deleted, replaced and swapped neighbouring letters count one each. */
export function editDistance(left: string, right: string): number {
  const rows: number[][] = [Array.from({ length: right.length + 1 }, (_, column) => column)]
  const cell = (row: number, column: number): number => rows[row]?.[column] ?? 0
  for (let row = 1; row <= left.length; row++) {
    const current = [row]
    rows.push(current)
    for (let column = 1; column <= right.length; column++) {
      const isSame = left[row - 1] === right[column - 1]
      let edits = Math.min(
        cell(row - 1, column) + 1,
        cell(row, column - 1) + 1,
        cell(row - 1, column - 1) + (isSame ? 0 : 1),
      )
      const isSwap = row > 1 && column > 1 && left[row - 1] === right[column - 2] && left[row - 2] === right[column - 1]
      if (isSwap) edits = Math.min(edits, cell(row - 2, column - 2) + 1)
      current.push(edits)
    }
  }
  return cell(left.length, right.length)
}
