/** What is wrong with a configuration, all at once. */
import { RelayError } from '@siem-relay/common'

export interface Problem {
  /** `siem-relay.yaml:12:5`, or the name of an environment variable. */
  readonly place: string
  /** `agents[0].syslog.port`; '' for the file as a whole. */
  readonly path: string
  /** What is wrong and what to write instead; never a secret. */
  readonly message: string
}

/** Problems shown at once; a file that is wrong in more places is wrong as a whole. */
const shownMax = 100

/** An unusable configuration. The message has one line per problem, in file order; processes exit with 78 (EX_CONFIG, sysexits.h). */
export class ConfigError extends RelayError {
  readonly problems: readonly Problem[]

  constructor(problems: readonly Problem[]) {
    super('RELAY_CONFIG_INVALID', linesOf(problems).join('\n'))
    this.name = 'ConfigError'
    this.problems = problems
  }
}

function linesOf(problems: readonly Problem[]): readonly string[] {
  const lines = problems
    .slice(0, shownMax)
    .map(({ place, path, message }) => (path === '' ? `${place}: ${message}` : `${place} ${path}: ${message}`))
  return problems.length > shownMax ? [...lines, `… and ${problems.length - shownMax} more`] : lines
}
