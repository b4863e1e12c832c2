/** This machine: what the relay listens on and writes to besides its log. */
import { accessSync, constants, statSync } from 'node:fs'
import { createServer } from 'node:net'
import { describeError } from '@siem-relay/common'
import { formatListen, type Listen, parseListen } from '@siem-relay/service-kit'
import type { RelayConfig } from '../../config/schema.ts'
import type { Finding, Subject } from '../check.ts'

const askMs = 5_000

export function machineSubject({ admin, log }: RelayConfig): Subject {
  const { directory } = log
  return {
    name: 'this machine',
    checks: [
      { name: 'admin port', run: () => adminFinding(admin.listen) },
      ...(directory === undefined ? [] : [{ name: 'log files', run: async () => logFilesFinding(directory) }]),
    ],
  }
}

/** Free, or a relay's already. */
async function adminFinding(text: string): Promise<Finding> {
  const listen = parseListen(text)
  if (listen.port === 0) return { status: 'ok', seen: 'any free port' }
  const trouble = await tryListening(listen)
  if (trouble === undefined) return { status: 'ok', seen: `${text} is free: no relay runs there` }
  const answer = await fetch(`http://${formatListen(here(listen))}/livez`, {
    signal: AbortSignal.timeout(askMs),
    redirect: 'error',
  })
    .then(async (response) => ({ isRelay: response.ok && /^ok\b/.test(await response.text()) }))
    .catch(() => undefined)
  if (answer?.isRelay === true) return { status: 'ok', seen: `a relay answers at ${text}` }
  return {
    status: 'failed',
    seen: `${text}: ${trouble}, and what answers there is no relay`,
    fix: 'Choose another port in admin.listen, or stop the process that holds it (ss -ltnp shows it).',
  }
}

function tryListening({ host, port }: Listen): Promise<string | undefined> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', (error) => resolve(describeError(error)))
    server.listen({ host, port }, () => server.close(() => resolve(undefined)))
  })
}

function here({ host, port }: Listen): Listen {
  return { host: host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host, port }
}

function logFilesFinding(directory: string): Finding {
  try {
    if (!statSync(directory).isDirectory()) throw new Error('it is no directory')
    accessSync(directory, constants.W_OK)
    return { status: 'ok', seen: `${directory} can be written` }
  } catch (error) {
    return {
      status: 'failed',
      seen: `${directory}: ${describeError(error)}`,
      fix: `Create ${directory} and give the relay's user the right to write there, or remove log.directory.`,
    }
  }
}
