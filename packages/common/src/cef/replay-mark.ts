/** The mark of a replayed line, so that a SIEM can tell it from the first copy: two more pairs at the end of a CEF line, one more
 *  member of a JSON object. cs6 is a string field no profile of ours uses; job ids need no escaping. */

export interface ReplayMark {
  readonly cef: Buffer
  readonly json: Buffer
}

/** What is added to each line of a job. */
export function replayMarkOf(jobId: string): ReplayMark {
  return {
    cef: Buffer.from(` cs6Label=replayJob cs6=${jobId}`, 'latin1'),
    json: Buffer.from(`,"ReplayJob":"${jobId}"}`, 'latin1'),
  }
}

const openingBrace = 0x7b

/**
 * @param bytesMax most bytes the line may have.
 * @returns the line with the mark; unmarked where the mark has no room, since the message matters more.
 */
export function markReplayed(line: Buffer, mark: ReplayMark, bytesMax: number): Buffer {
  const marked =
    line[0] === openingBrace ? Buffer.concat([line.subarray(0, -1), mark.json]) : Buffer.concat([line, mark.cef])
  return marked.length > bytesMax ? line : marked
}
