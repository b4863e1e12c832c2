/** Every command block of the docs, as its reader types it: on a machine of its own, beside the demo's tenant and a relay that runs.
 *  What is invented in them (ids, hosts, passwords, files in /etc and /run) is put in, nothing else. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { DocPage, pagesWithCommands } from '../support/doc-page.ts'
import { notRunHere } from './docs/not-run-here.ts'
import { operatingPages } from './docs/operating.ts'
import { openPage, unaccounted } from './docs/run.ts'
import { usingPages } from './docs/using.ts'

const root = join(import.meta.dirname, '..', '..')
const pages = { ...usingPages, ...operatingPages }

describe.concurrent('commands of', () => {
  test.for(Object.keys(pages))('%s do what the page says', { timeout: 240_000 }, async (path, { onTestFinished }) => {
    const doc = await openPage(path)
    // Also when it took too long: nothing it started stays behind.
    onTestFinished(() => doc[Symbol.asyncDispose]())
    await pages[path]?.(doc)
    expect(unaccounted(doc.page)).toEqual([])
  })

  const others = pagesWithCommands().filter(({ path }) => pages[path] === undefined)
  test.each(others.map(({ path }) => path))('%s are not run here, each for a reason', (path) => {
    expect(unaccounted(new DocPage(path))).toEqual([])
  })

  test('what is not run here is of pages that are there, and so is what runs it instead', () => {
    for (const { page, instead = page } of notRunHere) {
      expect(existsSync(join(root, page)), page).toBe(true)
      expect(existsSync(join(root, instead)), instead).toBe(true)
    }
  })
})
