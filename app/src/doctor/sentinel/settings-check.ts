/** What an agent's settings promise and only this machine can show: files that are there, certificates that have not expired. */
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { AgentDefinition, SentinelDestination } from '@siem-relay/common'
import type { Finding } from '../check.ts'

const dayMs = 86_400_000
const expiryWarningDays = 30

export function checkSettings(
  { enabled }: Pick<AgentDefinition, 'enabled'>,
  sentinel: SentinelDestination,
  env: Readonly<Record<string, string | undefined>>,
  nowMs: number,
): Finding {
  const credential = checkCredential(sentinel.auth, env, nowMs)
  if (credential.status === 'failed') return credential
  const seen = `${sentinel.auth.type}, cloud ${sentinel.cloud}, packing ${sentinel.packing}${credential.seen}`
  if (credential.status === 'warning') return { ...credential, seen }
  if (sentinel.allowAnyEndpoint)
    return {
      status: 'warning',
      seen: `${seen}; allowAnyEndpoint: tokens and rows go to a host that is not Azure's`,
      fix: 'Remove allowAnyEndpoint and authorityHost, unless this is a test server.',
    }
  if (!enabled)
    return { status: 'warning', seen: `${seen}; the agent is disabled`, fix: 'Set enabled: true to deliver.' }
  return { status: 'ok', seen }
}

function checkCredential(
  auth: SentinelDestination['auth'],
  env: Readonly<Record<string, string | undefined>>,
  nowMs: number,
): Finding {
  switch (auth.type) {
    case 'client-secret': {
      const text = readText(auth.clientSecretFile)
      if (typeof text !== 'string') return unreadable('clientSecretFile', auth.clientSecretFile, text)
      if (text.trim() === '')
        return failed(
          `clientSecretFile ${auth.clientSecretFile} is empty`,
          'Write the value of the client secret into it.',
        )
      if (/^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i.test(text.trim()))
        return failed(
          `clientSecretFile ${auth.clientSecretFile} holds a GUID, which is the id of a secret and not its value`,
          'Write the value into it; the portal shows it once, when the secret is made.',
        )
      return ok()
    }
    case 'certificate': {
      const text = readText(auth.certificateFile)
      if (typeof text !== 'string') return unreadable('certificateFile', auth.certificateFile, text)
      return checkCertificate(auth.certificateFile, text, nowMs)
    }
    case 'workload-identity': {
      const file = auth.tokenFile ?? env.AZURE_FEDERATED_TOKEN_FILE
      if (file === undefined)
        return failed(
          'no tokenFile, and no AZURE_FEDERATED_TOKEN_FILE in the environment',
          'Label the pod azure.workload.identity/use: "true" so that the webhook sets it, or set tokenFile.',
        )
      for (const [setting, value] of [
        ['tenantId', auth.tenantId ?? env.AZURE_TENANT_ID],
        ['clientId', auth.clientId ?? env.AZURE_CLIENT_ID],
      ] as const)
        if (value === undefined) return failed(`no ${setting}, and none in the environment`, `Set ${setting}.`)
      const text = readText(file)
      return typeof text === 'string' ? ok() : unreadable('tokenFile', file, text)
    }
    case 'managed-identity':
      return ok()
    default:
      return auth satisfies never
  }
}

function checkCertificate(file: string, text: string, nowMs: number): Finding {
  try {
    const certificate = new X509Certificate(text)
    if (!certificate.checkPrivateKey(createPrivateKey(text)))
      return failed(
        `certificateFile ${file}: the private key is not the certificate's`,
        'Put the certificate and its own key into the file.',
      )
    // Assertions are signed with RSA.
    if (certificate.publicKey.asymmetricKeyType !== 'rsa')
      return failed(
        `certificateFile ${file}: its key is ${certificate.publicKey.asymmetricKeyType}, and Entra takes RSA`,
        'Make a certificate with an RSA key and register it: az ad app credential reset --id CLIENT-ID --create-cert --append.',
      )
    const days = Math.floor((Date.parse(certificate.validTo) - nowMs) / dayMs)
    const until = new Date(Date.parse(certificate.validTo)).toISOString().slice(0, 10)
    if (days < 0)
      return failed(
        `certificateFile ${file}: expired on ${until}`,
        'Make a new certificate and register it for the application.',
      )
    const seen = `; certificate until ${until}`
    return days < expiryWarningDays
      ? { status: 'warning', seen, fix: 'Make a new certificate and register it for the application before then.' }
      : { status: 'ok', seen }
  } catch (error) {
    return failed(
      `certificateFile ${file} cannot be used: ${error instanceof Error ? error.message : String(error)}`,
      'It has to be PEM with the certificate and its private key, without a passphrase.',
    )
  }
}

function readText(file: string): string | Error {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    return error as Error
  }
}

function unreadable(setting: string, file: string, error: Error): Finding {
  const reason = (error as NodeJS.ErrnoException).code ?? error.message
  return failed(
    `${setting} ${file} cannot be read: ${reason}`,
    "Check the path, and that the relay's user may read it.",
  )
}

function failed(seen: string, fix: string): Finding {
  return { status: 'failed', seen, fix }
}

function ok(): Finding {
  return { status: 'ok', seen: '' }
}
