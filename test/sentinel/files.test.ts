/** What is deployed on Azure's side is as the code makes it. */
import { globSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { sentinelTemplates } from '../../scripts/sentinel-templates.ts'
import { read, root } from '../support/sentinel.ts'

describe('files made from the code', () => {
  const files = sentinelTemplates()

  test.each([...files])('%s is what `npm run docs` writes', (path, text) => expect(read(path)).toBe(text))

  test('there are no others beside them', () => {
    const made = globSync(['deploy/sentinel/**/*.{json,pq}', 'deploy/sentinel/solution/**/*.yaml'], { cwd: root }).map(
      (path) => path.replaceAll('\\', '/'),
    )
    expect(made.length).toBeGreaterThan(20)
    expect(made.filter((path) => !files.has(path))).toEqual([])
  })
})
