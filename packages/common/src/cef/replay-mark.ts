/** The mark of a replayed line: two more pairs at its end, so that a SIEM can tell it from the first copy. cs6 is a string field
 *  no profile of ours uses; job ids need no escaping. */

/** What is appended to each line of a job. */
export function replayMarkOf(jobId: string): Buffer {
  return Buffer.from(` cs6Label=replayJob cs6=${jobId}`, 'latin1')
}

/**
 * @param bytesMax most bytes the line may have.
 * @returns the line with the mark; unmarked where the mark has no room, since the message matters more.
 */
export function markReplayed(line: Buffer, mark: Buffer, bytesMax: number): Buffer {
  return line.length + mark.length > bytesMax ? line : Buffer.concat([line, mark])
}
