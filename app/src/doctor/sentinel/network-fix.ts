/** What to do about a host that cannot be reached, by how it failed. */

/** Where the connection was to go, in words for a person. */
export interface Way {
  readonly host: string
  readonly proxy: URL | undefined
  /** The setting that names the host. */
  readonly setting: string
}

export function proxyText(proxy: URL | undefined): string {
  return proxy === undefined ? 'directly' : `through the proxy ${proxy.host}`
}

export function networkFix(error: unknown, { host, proxy, setting }: Way): string {
  const code = codeOf(error)
  const text = error instanceof Error ? error.message : String(error)
  const target = proxy === undefined ? host : `the proxy ${proxy.host}`
  if (proxy !== undefined && /\b407\b/.test(text))
    return 'The proxy wants a user name and password: proxy: http://USER:PASSWORD@HOST:PORT, or HTTPS_PROXY.'
  if (proxy !== undefined && /Proxy response/.test(text)) return `Let the proxy ${proxy.host} connect to ${host}:443.`
  if (/^(ENOTFOUND|EAI_AGAIN|ENODATA|ESERVFAIL)$/.test(code))
    return `Check ${proxy === undefined ? setting : 'the name of the proxy'} for a typing mistake, and this machine's DNS; with private link, that its private zone is linked.`
  if (code === 'ECONNREFUSED') return `Nothing listens there: check ${proxy === undefined ? setting : 'the proxy'}.`
  if (/TIMEOUT|TIMEDOUT|EHOSTUNREACH|ENETUNREACH/.test(code) || /timeout/i.test(text))
    return `Open the firewall to ${target}, or set the agent's proxy (or HTTPS_PROXY).`
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID')
    return `The certificate is another host's: check ${setting}, and whether something in between answers for it.`
  if (/CERT_HAS_EXPIRED|CERT_NOT_YET_VALID/.test(code))
    return 'Check the clock of this machine first; else the certificate of what answers has to be renewed.'
  if (/SELF_SIGNED|UNABLE_TO_VERIFY|UNABLE_TO_GET_ISSUER|CERT_/.test(code))
    return 'Something in between (a proxy that inspects TLS) signs with an authority of its own: put its certificate into a PEM file and name it in caFile.'
  if (/SSL|EPROTO|TLS/.test(code))
    return `What answers does not speak TLS as ${host} does: check the port, and the proxy in between.`
  if (/ECONNRESET|UND_ERR_SOCKET|EPIPE/.test(code))
    return `Something in between cuts the connection: let firewalls pass TLS to ${host}, or set the agent's proxy.`
  return `Check ${setting}, proxy and firewall: ${host} has to be reached on port 443.`
}

function codeOf(error: unknown): string {
  for (let current = error; current instanceof Error; current = current.cause) {
    const { code } = current as NodeJS.ErrnoException
    if (typeof code === 'string') return code
  }
  return ''
}
