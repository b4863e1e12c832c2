/** Writes the parts of the docs that are made from the code: `npm run docs`. test/docs.test.ts holds them to it. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { generatedDocs } from './generated-docs.ts'

const root = join(import.meta.dirname, '..')
for (const [path, text] of await generatedDocs()) {
  writeFileSync(join(root, path), text)
  process.stdout.write(`${path}\n`)
}
