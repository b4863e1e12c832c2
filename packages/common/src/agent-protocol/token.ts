/** The form of an agent's token, `sra_<agent id>_<secret>`: enough to say before any request that something else was copied. */

const form = /^sra_([a-z0-9][a-z0-9_-]{0,63})_[A-Za-z0-9_-]{43}$/

/** The agent a token is for; undefined for what is no token. Says nothing about whether it is in force. */
export function agentOfToken(token: string): string | undefined {
  return token.length > 200 ? undefined : form.exec(token)?.[1]
}
