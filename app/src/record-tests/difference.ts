/** Two lines that should be one, for a person: the fields that differ, not two walls of text. */
import { printable } from '@siem-relay/common'
import type { Expectation } from './judge.ts'

/** @returns lines that begin with `-` for what was expected and `+` for what came. */
export function differenceOf(expected: Expectation, actual: Expectation): readonly string[] {
  if (expected.line !== undefined && actual.line !== undefined) return differentFields(expected.line, actual.line)
  return [`- ${sayExpectation(expected)}`, `+ ${sayExpectation(actual)}`]
}

function sayExpectation({ line, leftOut, deadLetter }: Expectation): string {
  if (line !== undefined) return printable(line)
  if (leftOut !== undefined) return `left out: ${printable(leftOut)}`
  return deadLetter === undefined
    ? 'nothing is expected: --update writes what comes'
    : `dead letter: ${printable(deadLetter)}`
}

interface Part {
  readonly name: string
  readonly text: string
}

function differentFields(expected: string, actual: string): readonly string[] {
  const [before, after] = [partsOf(expected), partsOf(actual)]
  const names = [...new Set([...before, ...after].map(({ name }) => name))]
  const lines = names.flatMap((name) => {
    const [was, is] = [before, after].map((parts) => parts.find((part) => part.name === name)?.text)
    if (was === is) return []
    return [...(was === undefined ? [] : [`- ${printable(was)}`]), ...(is === undefined ? [] : [`+ ${printable(is)}`])]
  })
  // The same fields in another order, or twice.
  return lines.length > 0 ? lines : [`- ${printable(expected)}`, `+ ${printable(actual)}`]
}

const headerNames = ['version', 'deviceVendor', 'deviceProduct', 'deviceVersion', 'signatureId', 'name', 'severity']

/** The fields of CEF with what stands in front of it, the columns of a row, else the whole. */
function partsOf(line: string): readonly Part[] {
  const begin = line.indexOf('CEF:')
  if (begin === -1) return columnsOf(line)
  const fields = line.slice(begin).split(/(?<!\\)\|/)
  const header = fields.slice(0, 7)
  const extension = fields.slice(7).join('|')
  const starts = [...extension.matchAll(/(?:^| )([A-Za-z0-9_]+)=/g)]
  return [
    { name: 'syslog header', text: `syslog header: ${line.slice(0, begin).trim()}` },
    ...header.map((text, index) => ({ name: headerNames[index] ?? '', text: `${headerNames[index]}: ${text}` })),
    ...starts.map((match, index) => ({
      name: `=${match[1]}`,
      text: extension.slice(match.index, starts[index + 1]?.index ?? extension.length).trimStart(),
    })),
  ]
}

function columnsOf(line: string): readonly Part[] {
  try {
    const row: unknown = JSON.parse(line)
    if (typeof row === 'object' && row !== null)
      return Object.entries(row).map(([name, value]) => ({ name, text: `${name}: ${JSON.stringify(value)}` }))
  } catch {
    // No row: compared as a whole.
  }
  return [{ name: 'line', text: line }]
}
