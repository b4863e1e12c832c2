/** A page of the docs and the machine its commands are typed on. Knows which of them were run. */
import { expect } from 'vitest'
import { type Command, DocPage } from '../../support/doc-page.ts'
import { type Machine, type Running, startMachine } from '../../support/machine.ts'
import { notRunHere } from './not-run-here.ts'

/** What stands in the docs, and what this machine has in its place. */
type Put = Readonly<Record<string, string>>

interface Expected {
  readonly put?: Put
  /** Exit code; default 0. */
  readonly code?: number
}

interface DocRun extends AsyncDisposable {
  readonly page: DocPage
  readonly machine: Machine
  /** Runs the command of the page that begins so to its end. @returns its standard output, and both outputs. */
  run(command: string, expected?: Expected): Promise<{ readonly out: string; readonly err: string }>
  /** Starts one that runs on. */
  start(command: string, put?: Put): Running
}

/** What is done with each page, by its path. */
export type Pages = Readonly<Record<string, (doc: DocRun) => Promise<void>>>

const ran = new Map<string, Set<string>>()

export async function openPage(path: string): Promise<DocRun> {
  const page = new DocPage(path)
  const machine = await startMachine()
  const typed = ({ text }: Command, put: Put): string => {
    ran.set(path, (ran.get(path) ?? new Set()).add(text))
    return Object.entries(put).reduce((line, [from, to]) => {
      expect(line, 'what is replaced is there').toContain(from)
      return line.replaceAll(from, to)
    }, text)
  }
  return {
    page,
    machine,
    run: async (start, { put = {}, code = 0 } = {}) => {
      const line = typed(page.command(start), put)
      const outcome = await machine.run(line)
      expect(outcome, line).toMatchObject({ code })
      return outcome
    },
    start: (start, put = {}) => machine.start(typed(page.command(start), put)),
    [Symbol.asyncDispose]: () => machine[Symbol.asyncDispose](),
  }
}

/** Commands of a page that were neither run nor are listed with why not; those listed that were run; and what is listed and not there. */
export function unaccounted({ path, commands }: DocPage): readonly string[] {
  const listed = notRunHere.filter(({ page }) => page === path).flatMap((one) => one.commands)
  const isListed = ({ text }: Command): boolean => listed.some((start) => text.startsWith(start))
  const isRun = ({ text }: Command): boolean => ran.get(path)?.has(text) === true
  return [
    ...commands.filter((each) => isRun(each) === isListed(each)).map(({ text, line }) => `${path}:${line} ${text}`),
    ...listed.filter((start) => !commands.some(({ text }) => text.startsWith(start))),
  ]
}
