/** What `siem-relay agent` is started with, checked before anything is asked. The words of the SIEM agent's own errors come first. */
import { agentOfToken, parseProxy, RelayError } from '@siem-relay/common'
import { isLoopback } from '@siem-relay/http'
import { type FileText, readTextFile } from '@siem-relay/service-kit'

/** A token and a line end; whatever is longer is another file. */
const tokenFileBytesMax = 4_096

export interface AgentOptions {
  readonly portal?: string
  readonly token?: string
  readonly tokenFile?: string
  readonly proxy?: string
  readonly ca?: string
  readonly logsDirectory?: string
  readonly admin?: string
  readonly check?: boolean
}

export interface AgentSettings {
  /** Without a slash at its end. */
  readonly portal: string
  /** The token now: a file is read again each time. */
  readonly token: () => string
  /** The agent the token is for. */
  readonly agent: string
  readonly warnings: readonly string[]
}

type Environment = Readonly<Record<string, string | undefined>>

/** @throws {RelayError} `RELAY_CONFIG_INVALID` */
export function agentSettings(options: AgentOptions, env: Environment): AgentSettings {
  const portal = portalOf(options.portal)
  if (options.proxy !== undefined && parseProxy(options.proxy) === undefined)
    throw invalid('Invalid proxy address: --proxy takes ADDRESS[:PORT] or http://[user:password@]address[:port]')
  const { read, warnings } = tokenSource(options, env)
  const first = read()
  const agent = agentOfToken(first)
  if (agent === undefined) throw invalid(`Invalid token: ${whatItIs(first)}`)
  let last = first
  const token = (): string => {
    // A file that is being written, or gone for a moment, does not end what works.
    try {
      const text = read()
      if (agentOfToken(text) === agent) last = text
    } catch {
      // The last one counts.
    }
    return last
  }
  return { portal, token, agent, warnings }
}

function portalOf(text: string | undefined): string {
  if (text === undefined || text === '')
    throw invalid('--portal is missing: the address of the portal, such as https://relay.contoso.com')
  if (!URL.canParse(text)) throw invalid('--portal is no address: write it like https://relay.contoso.com/siem')
  const url = new URL(text)
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && isLoopback(url.hostname)))
    throw invalid('--portal must be https: the token and every message go there; http only to this machine itself')
  if (url.username !== '' || url.password !== '')
    throw invalid('--portal holds a user name or password: the token is all the agent signs in with')
  return `${url.origin}${url.pathname.replace(/\/+$/, '')}`
}

function tokenSource({ token, tokenFile }: AgentOptions, env: Environment) {
  const given = [token, tokenFile, env.SIEM_RELAY_TOKEN].filter((one) => one !== undefined && one !== '').length
  if (given > 1)
    throw invalid('the token is given more than once: use one of --token-file, SIEM_RELAY_TOKEN and --token')
  if (tokenFile !== undefined)
    return {
      read: () => readToken(tokenFile).text.trim(),
      warnings:
        readToken(tokenFile).isReadableByOthers === true
          ? [`${tokenFile} can be read by every user of this machine: chmod 600 it`]
          : [],
    }
  if (token !== undefined)
    return {
      read: () => token.trim(),
      warnings: ['--token shows the token to every user of this machine in the process list: use --token-file'],
    }
  const text = env.SIEM_RELAY_TOKEN?.trim()
  if (text === undefined || text === '')
    throw invalid(
      'Invalid token: none is given; put it into a file that only this user can read, and name it with --token-file',
    )
  return { read: () => text, warnings: [] }
}

function readToken(file: string): FileText {
  try {
    return readTextFile(file, tokenFileBytesMax)
  } catch (cause) {
    throw invalid(`Invalid token: the file ${file} cannot be read`, cause)
  }
}

/** What else people paste; never the text itself. */
function whatItIs(text: string): string {
  if (text === '') return 'it is empty'
  if (/^[0-9a-f]{64}$/i.test(text) || /^[A-Za-z0-9+/=]{60,}$/.test(text))
    return "this is a token of the old SIEM agent or of Microsoft's API; the portal of siem-relay issues its own, which begin with sra_"
  if (text.startsWith('sra_')) return 'it is not whole: copy it again, from sra_ to the end'
  return 'tokens of the portal begin with sra_'
}

/** What the agent runs with is its command line and environment: there is no file to correct. */
function invalid(message: string, cause?: unknown): RelayError {
  const nextMove = 'Correct the option; `siem-relay agent --help` lists them, and --check tries them once.'
  return new RelayError('RELAY_CONFIG_INVALID', message, { nextMove, cause })
}
