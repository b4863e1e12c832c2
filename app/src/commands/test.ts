/** `siem-relay test`: users' own tests of their configuration: this record gives this line. */
import { writeFileSync } from 'node:fs'
import { isAbsolute, join } from 'node:path'
import { describeError, printable, printableJson, RelayError } from '@siem-relay/common'
import { findConfigFile, loadRelayConfig } from '../config/load.ts'
import { differenceOf } from '../record-tests/difference.ts'
import { expectInstead, readTestFile, textOfFile } from '../record-tests/file.ts'
import { runTests, type TestResult } from '../record-tests/judge.ts'
import type { Terminal } from '../terminal.ts'
import { countText } from './time.ts'

export interface TestOptions {
  readonly config?: string
  /** Writes what came out into the files. */
  readonly update?: boolean
  readonly json?: boolean
}

const defaultFile = 'siem-relay.test.yaml'

interface Ran {
  readonly path: string
  readonly results: readonly TestResult[]
}

/** Exit code 1 when a test fails. @throws {RelayError} `RELAY_USAGE` for a file that is no test file. */
export function test(paths: readonly string[], options: TestOptions, terminal: Terminal): void {
  const { config } = loadRelayConfig(findConfigFile(options.config, terminal), terminal)
  const ran = (paths.length === 0 ? [defaultFile] : paths).map((path): Ran => {
    const file = readTestFile(isAbsolute(path) ? path : join(terminal.cwd, path))
    const results = runTests(file, config.agents)
    if (options.update === true && results.some(({ isOk }) => !isOk)) {
      for (const [index, { isOk, actual }] of results.entries()) if (!isOk) expectInstead(file, index, actual)
      write(file.path, textOfFile(file))
    }
    return { path, results }
  })
  if (options.json === true) terminal.stdout.write(`${printableJson(ran)}\n`)
  else terminal.stdout.write(textOf(ran, options.update === true))
  if (options.update !== true && ran.some(({ results }) => results.some(({ isOk }) => !isOk))) terminal.setExitCode(1)
}

function write(path: string, text: string): void {
  try {
    writeFileSync(path, text)
  } catch (cause) {
    throw new RelayError('RELAY_USAGE', `cannot write ${path}: ${describeError(cause)}`, { cause })
  }
}

function textOf(ran: readonly Ran[], isUpdating: boolean): string {
  const lines = ran.flatMap(({ path, results }) => [
    path,
    ...results.flatMap(({ name, isOk, expected, actual }) => [
      `  ${isOk ? 'ok     ' : isUpdating ? 'updated' : 'FAILED '}  ${printable(name)}`,
      ...(isOk ? [] : differenceOf(expected, actual).map((text) => `    ${text}`)),
    ]),
  ])
  const all = ran.flatMap(({ results }) => results)
  const failed = all.filter(({ isOk }) => !isOk).length
  const what = isUpdating ? 'updated' : 'failed'
  return `${[...lines, '', `${countText(all.length, 'test', 'tests')}: ${all.length - failed} ok, ${failed} ${what}`].join('\n')}\n`
}
