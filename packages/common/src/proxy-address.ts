/** The address of a proxy, as configuration and environment write it. */
import { z } from 'zod'

/** A proxy setting, `http://user:password@proxy:3128` or the SIEM agent's `ADDRESS[:PORT]`; undefined when it is neither. */
export function parseProxy(text: string): URL | undefined {
  const withScheme = /^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `http://${text}`
  if (!URL.canParse(withScheme)) return undefined
  const url = new URL(withScheme)
  const isPlain = (url.pathname === '/' || url.pathname === '') && url.search === '' && url.hash === ''
  return (url.protocol === 'http:' || url.protocol === 'https:') && url.hostname !== '' && isPlain ? url : undefined
}

/** The way out of whoever asks Microsoft. */
export const proxySetting = z
  .string()
  .refine((text) => parseProxy(text) !== undefined, {
    error: 'must be http://[user:password@]address[:port] or ADDRESS[:PORT]',
  })
  .optional()
  .meta({ description: 'Default: HTTPS_PROXY and NO_PROXY of the environment.' })
