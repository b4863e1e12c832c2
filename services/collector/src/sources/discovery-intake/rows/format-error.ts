/** A body or a file that is not what it says it is: none of it can be trusted to be cut into rows rightly. */

export class FormatError extends Error {
  /** @param message what is wrong, and where. */
  constructor(message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.name = 'FormatError'
  }
}
