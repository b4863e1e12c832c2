/** The way through the pages of one range, from its first page to the one that names no further. Pure. */
import { type ODataPage, RelayError } from '@siem-relay/common'

/** Half a million alerts; a list that goes on is none. */
const pagesMax = 1_000

export class Walk {
  /** Where the next page is; undefined: at the beginning. */
  link: URL | undefined
  readonly #links = new Set<string>()
  #pages = 0
  /** Whether any page brought something new. */
  #hasNews = false

  /** Pages read. */
  get pages(): number {
    return this.#pages
  }

  /**
   * @param next where the page says the next one is. @param news how many of its records are new.
   * @returns whether the range was read whole.
   * @throws {RelayError} `RELAY_SOURCE_NO_PROGRESS` when pages lead to one that was read already.
   */
  follow(page: ODataPage, next: URL | undefined, news: number): boolean {
    this.#pages += 1
    if (news > 0) this.#hasNews = true
    this.link = next
    if (next === undefined) return true
    if (this.#links.has(next.href) || this.#pages >= pagesMax)
      throw new RelayError(
        'RELAY_SOURCE_NO_PROGRESS',
        `pages of alerts lead on for ever (${this.#pages} read, the last with ${page.records.length} alerts)`,
      )
    this.#links.add(next.href)
    return false
  }

  /**
   * Whether a range that ends has to be read again to be sure: alerts that change while its pages are read leave it, and where
   * pages are counted off, others move up into those that were read already. What goes to the end of the list loses none.
   */
  get isDoubtful(): boolean {
    return this.#pages > 1 && this.#hasNews
  }
}
