import { Writable } from 'node:stream'
import { expect, test } from 'vitest'
import { createProgress } from './progress.ts'

function stream(isTTY: boolean): { readonly stderr: Writable & { isTTY: boolean }; readonly text: () => string } {
  const chunks: string[] = []
  const stderr = Object.assign(
    new Writable({
      write(chunk, _encoding, done) {
        chunks.push(String(chunk))
        done()
      },
    }),
    { isTTY },
  )
  return { stderr, text: () => chunks.join('') }
}

test('a terminal gets one bar that is drawn over, and a new line at its end', () => {
  const { stderr, text } = stream(true)
  const progress = createProgress({ stderr })
  progress.show(0, 'a')
  progress.show(0.5, 'b')
  progress.end()
  progress.end()
  expect(text()).toBe(`\r[${'.'.repeat(30)}]   0 % a\u001b[K\r[${'#'.repeat(15)}${'.'.repeat(15)}]  50 % b\u001b[K\n`)
})

test('anything else gets a line for every tenth, and 100 % only when all is done', () => {
  const { stderr, text } = stream(false)
  const progress = createProgress({ stderr })
  for (const share of [0, 0.05, 0.1, 0.55, 0.999, 0.9999, 1]) progress.show(share, 'x')
  progress.end()
  expect(text()).toBe('  0 % x\n 10 % x\n 55 % x\n 99 % x\n100 % x\n')
})
