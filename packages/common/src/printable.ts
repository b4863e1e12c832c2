/** Text that others wrote, made fit for a person's terminal. */

/** What steers terminals or reorders a line: C0 and C1 controls, U+2028, U+2029, BiDi and zero-width controls. */
const steering = /[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g

/** Each character that steers, and each lone surrogate, becomes U+FFFD. */
export function printable(text: string): string {
  return text.toWellFormed().replace(steering, '\ufffd')
}

/** JSON on one line that reads back as the value; what steers stands in it as `\uXXXX`. */
export function printableJson(value: unknown): string {
  return JSON.stringify(value).replace(
    steering,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}
