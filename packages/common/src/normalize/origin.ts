/** Where a record came from: the part of its envelope an event keeps. */
export interface Origin {
  readonly tenant: string
  readonly source: string
}
