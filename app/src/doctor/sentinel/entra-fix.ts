/** What Entra's refusals mean for an agent, by their AADSTS number. Source: "Microsoft Entra authentication and authorization error
 *  codes". */
import type { SentinelDestination } from '@siem-relay/common'

type AuthType = SentinelDestination['auth']['type']

const fixes: Readonly<Record<string, string>> = {
  '7000215':
    'The secret is wrong: clientSecretFile has to hold the value of the secret, not its id. Make a new one: az ad app credential reset --id CLIENT-ID --append.',
  '7000222': 'The secret has expired. Make a new one: az ad app credential reset --id CLIENT-ID --append.',
  '700016':
    'The directory has no such application: check clientId, and whether tenantId is the directory it was registered in.',
  '7000229': 'The application has no service principal in this directory: az ad sp create --id CLIENT-ID.',
  '7000112':
    'The application is disabled: Microsoft Entra, Enterprise applications, Properties, Enabled for users to sign in.',
  '90002': 'There is no such directory: check tenantId (az account show --query tenantId), and cloud.',
  '900023': 'tenantId is no directory id and no domain name of one: az account show --query tenantId.',
  '700027':
    'The certificate is not registered for the application, or has expired: az ad app credential reset --id CLIENT-ID --cert @cert.pem --append.',
  '700024': "The assertion's time does not fit: check the clock of this machine.",
  '50013': 'The certificate or the token of the assertion is not the one Entra knows for the application.',
  '70021':
    'No federated credential fits: its issuer, subject and audience have to be those of the token (system:serviceaccount:NAMESPACE:NAME).',
  '700211':
    'No federated credential of the application has the issuer of the token: it is the OIDC issuer of the cluster.',
  '700212': 'No federated credential of the application has the audience of the token: use api://AzureADTokenExchange.',
  '700213':
    'No federated credential of the application has the subject of the token: it is system:serviceaccount:NAMESPACE:NAME.',
  '1002012': 'The cloud of the agent and the directory do not fit: check cloud.',
  '500011': 'The directory does not know Azure Monitor: check cloud.',
  '53003': 'A Conditional Access policy blocks the application: exclude it, or allow the address of this machine.',
}

const byAuth: Readonly<Record<AuthType, string>> = {
  'client-secret': 'Check tenantId, clientId and the secret in clientSecretFile.',
  certificate:
    'Check tenantId, clientId and that the certificate in certificateFile is registered for the application.',
  'managed-identity':
    'Give this machine a managed identity (az vm identity assign), and for a user-assigned one check clientId. It works on machines in Azure and those of Azure Arc only; with HTTPS_PROXY in the environment, NO_PROXY has to name 169.254.169.254.',
  'workload-identity':
    'Label the pod azure.workload.identity/use: "true", annotate its service account with the client id, and check the application\'s federated credential.',
}

/** @param text what came of asking for a token. */
export function entraFix(text: string, type: AuthType): string {
  const code = /AADSTS(\d+)/.exec(text)?.[1]
  return (code === undefined ? undefined : fixes[code]) ?? byAuth[type]
}
