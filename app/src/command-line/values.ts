/** Values of options, checked where they are read. */
import { parseListen } from '@siem-relay/service-kit'
import { InvalidArgumentError } from 'commander'

export function positiveInteger(text: string): number {
  const value = Number(text)
  if (!Number.isSafeInteger(value) || value < 1) throw new InvalidArgumentError('use a whole number from 1 on.')
  return value
}

export function address(text: string): string {
  try {
    parseListen(text)
    return text
  } catch (error) {
    throw new InvalidArgumentError(error instanceof Error ? error.message : String(error))
  }
}
