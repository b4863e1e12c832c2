/** Runs a file's tests with the functions the relay itself uses. Where a line names the relay's machine and version, tests have
 *  names of their own, so that they give the same everywhere. */
import { type AgentDefinition, RelayError } from '@siem-relay/common'
import { createJudge, type Previewed } from '@siem-relay/control'
import { kindOfText, looseRecord } from '../commands/records-file.ts'
import { bodyOf, type RecordTest, type RecordTestFile } from './file.ts'

const hostName = 'relay.example'
const version = 'test'

/** What a test says, or would say, of a record. */
export interface Expectation {
  readonly line?: string
  readonly leftOut?: string
  readonly deadLetter?: string
}

export interface TestResult {
  readonly name: string
  readonly isOk: boolean
  readonly expected: Expectation
  readonly actual: Expectation
}

/** @throws {RelayError} `RELAY_USAGE` for an agent that is not there. */
export function runTests(file: RecordTestFile, agents: readonly AgentDefinition[]): readonly TestResult[] {
  return file.tests.map((test, index) => {
    const actual = actualOf(judge(test, file, agents))
    const { line, leftOut, deadLetter } = test
    const expected: Expectation = {
      ...(line === undefined ? {} : { line }),
      ...(leftOut === undefined ? {} : { leftOut }),
      ...(deadLetter === undefined ? {} : { deadLetter }),
    }
    return { name: test.name ?? `test ${index + 1}`, isOk: isAsExpected(expected, actual), expected, actual }
  })
}

function judge(test: RecordTest, file: RecordTestFile, agents: readonly AgentDefinition[]): Previewed {
  const id = test.agent ?? file.agent
  const agent = agents.find((one) => one.id === id)
  if (agent === undefined) {
    const known = agents.map((one) => one.id).join(', ') || 'none'
    throw new RelayError(
      'RELAY_USAGE',
      id === undefined
        ? `${file.path}: a test names no agent, and neither does the file: add agent: ID`
        : `${file.path}: the configuration has no agent ${id}; it has: ${known}`,
    )
  }
  const body = bodyOf(test, file.path)
  const kind = test.kind ?? kindOfText(body.toString('utf8'))
  const nowMs = (): number => file.nowMs ?? Date.now()
  // Each test for itself: a record that stands in two of them is no repeat.
  const judgeOne = createJudge(agent, { explain: false, version, hostName, nowMs })
  return judgeOne({ ...looseRecord(body, kind, test.portalUrl), shape: test.shape, receivedMs: nowMs() })
}

function actualOf({ outcome, line, reason = '' }: Previewed): Expectation {
  if (outcome === 'sent') return { line: line ?? '' }
  // What follows the first colon is said by others, and by other versions in other words.
  return outcome === 'left out' ? { leftOut: reason } : { deadLetter: reason.split(': ')[0] ?? '' }
}

function isAsExpected(expected: Expectation, actual: Expectation): boolean {
  if (expected.line !== undefined) return expected.line === actual.line
  if (expected.leftOut !== undefined) return expected.leftOut === actual.leftOut
  // Reasons quote what they found; a part of one is enough.
  return expected.deadLetter !== undefined && actual.deadLetter?.includes(expected.deadLetter) === true
}
