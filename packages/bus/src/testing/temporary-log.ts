/** Directories of embedded logs for this package's tests. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openSqliteBus, type SqliteBus } from '../sqlite/open.ts'
import type { SqliteBusOptions } from '../sqlite/options.ts'
import { systemClock } from './system-clock.ts'

/** A directory that is gone when the test ends. */
export class TemporaryLog implements Disposable {
  readonly path = mkdtempSync(join(tmpdir(), 'siem-relay-bus-'))

  /** A machine with little disk must not close the intake of a test that is about something else. */
  open(options: Partial<SqliteBusOptions> = {}): Promise<SqliteBus> {
    return openSqliteBus({ path: this.path, clock: systemClock, freeBytesMin: 1_000_000, ...options })
  }

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true, force: true })
  }
}
