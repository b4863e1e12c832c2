import { describe, expect, test } from 'vitest'
import { Walk } from './walk.ts'

const page = { records: [], nextLink: undefined }
const link = (n: number): URL => new URL(`https://graph.example/alerts?$skiptoken=${n}`)

describe('Walk', () => {
  test('goes from link to link until a page names none', () => {
    const walk = new Walk()
    expect([walk.follow(page, link(1), 1), walk.link?.href]).toEqual([false, link(1).href])
    expect(walk.follow(page, link(2), 0)).toBe(false)
    expect([walk.follow(page, undefined, 0), walk.link, walk.pages]).toEqual([true, undefined, 3])
  })

  test('notices when it is led in circles, or on for ever', () => {
    const circle = new Walk()
    circle.follow(page, link(1), 0)
    circle.follow(page, link(2), 0)
    expect(() => circle.follow(page, link(1), 0)).toThrow(expect.objectContaining({ code: 'RELAY_SOURCE_NO_PROGRESS' }))
    const endless = new Walk()
    const follow = (): void => {
      for (let n = 0; ; n++) endless.follow(page, link(n), 1)
    }
    expect(follow).toThrow(expect.objectContaining({ code: 'RELAY_SOURCE_NO_PROGRESS' }))
    expect(endless.pages).toBe(1_000)
  })

  test('is doubtful when several pages brought something new', () => {
    const one = new Walk()
    one.follow(page, undefined, 5)
    const known = new Walk()
    known.follow(page, link(1), 0)
    known.follow(page, undefined, 0)
    const news = new Walk()
    news.follow(page, link(1), 3)
    news.follow(page, undefined, 0)
    expect([one, known, news].map(({ isDoubtful }) => isDoubtful)).toEqual([false, false, true])
  })
})
