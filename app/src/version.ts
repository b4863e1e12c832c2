/** The relay's version, from package.json: CEF device version, User-Agent, build info. */
import manifest from '../package.json' with { type: 'json' }

export const version: string = manifest.version
