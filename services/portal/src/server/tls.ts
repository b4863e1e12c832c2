/** The portal's own certificate: read at the start, and again when its files change, so that a renewed one needs no restart. */
import { createSecureContext } from 'node:tls'
import { type Clock, describeError, RelayError } from '@siem-relay/common'
import { nextChange, readTextFile, stampOf, type World } from '@siem-relay/service-kit'
import type { PortalConfig } from '../config.ts'

type TlsFiles = NonNullable<PortalConfig['tls']>

export interface TlsPair {
  readonly cert: string
  readonly key: string
}

const fileBytesMax = 1_048_576

/** @throws {RelayError} `RELAY_CONFIG_INVALID` for what is no certificate with its key. */
export function readTls({ certFile, keyFile }: TlsFiles): TlsPair {
  try {
    const pair = { cert: textOf(certFile), key: textOf(keyFile) }
    createSecureContext(pair)
    return pair
  } catch (cause) {
    throw new RelayError('RELAY_CONFIG_INVALID', `portal.tls: ${certFile} and ${keyFile} cannot be used`, { cause })
  }
}

/** Gives a changed pair to the server until the signal; one that cannot be used leaves the one before in force. */
export async function followTls(
  files: TlsFiles,
  { clock, log, signal }: { readonly clock: Clock; readonly log: World['log']; readonly signal: AbortSignal },
  use: (pair: TlsPair) => void,
): Promise<void> {
  const paths = [files.certFile, files.keyFile]
  let stamp = stampOf(paths)
  while (!signal.aborted) {
    await nextChange(paths, stamp, { clock, signal }).catch(() => undefined)
    if (signal.aborted) return
    stamp = stampOf(paths)
    try {
      use(readTls(files))
      log.info({ certFile: files.certFile }, 'portal: certificate taken up')
    } catch (error) {
      log.error({ error: describeError(error) }, 'portal: the changed certificate is not used')
    }
  }
}

function textOf(path: string): string {
  return readTextFile(path, fileBytesMax).text
}
