/** The embedded log's bounds. What happens at each stands beside it. */

/** A row holds at most this many records or bytes before compression; the next row takes the rest. */
export const batchRecordsMax = 1000
export const batchBytesMax = 1024 * 1024
/** A larger record is refused: it would not fit beside others in memory. */
export const recordBytesMax = 64 * 1024 * 1024
/** One commit to disk; what is queued beyond goes with the next. */
export const groupRecordsMax = 20_000
export const groupBytesMax = 16 * 1024 * 1024
/** From here on a commit does not wait for company. */
export const groupBytesEager = 256 * 1024
/** How long a small commit waits for company, in milliseconds. */
export const groupDelayMs = 2
/** Bytes of a damaged batch that its dead letter keeps. */
export const damagedBytesKept = 256 * 1024
/** Back-off of a worker after a failure, in milliseconds. */
export const backoffMsMin = 50
export const backoffMsMax = 5000
/** Rows a sweep removes in one transaction, so that writers never wait long. */
export const removedRowsMax = 16
