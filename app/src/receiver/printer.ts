/** Messages onto a stream, one a line, whatever they contain; a promise says when the stream has taken them. */

/** What a printer needs of a stream; process.stdout is one. */
export interface LineOutput {
  readonly writableLength: number
  write(text: string, callback: (error?: Error | null) => void): unknown
}

export class Printer {
  readonly #output: LineOutput

  constructor(output: LineOutput) {
    this.#output = output
  }

  /** Bytes the stream holds and has not passed on. */
  get pendingBytes(): number {
    return this.#output.writableLength
  }

  /** Resolves when everything is out; rejects when the stream takes no more. */
  print(messages: readonly Buffer[]): Promise<void> {
    const text = messages
      .map(lineOf)
      .filter((line) => line !== '')
      .map((line) => `${line}\n`)
      .join('')
    if (text === '') return Promise.resolve()
    return new Promise((resolve, reject) => {
      this.#output.write(text, (error) => (error ? reject(error) : resolve()))
    })
  }
}

/** A message is text somebody else wrote: what would move a terminal's cursor or make two lines of one is spelt out. */
export function lineOf(message: Buffer): string {
  return message
    .toString()
    .replace(/[\r\n\0]+$/, '')
    .replace(
      /[\u0000-\u0008\u000a-\u001f\u007f-\u009f\u2028\u2029]/g,
      (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
    )
}
