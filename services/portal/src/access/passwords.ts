/** Passwords: argon2id with the parameters of OWASP's Password Storage Cheat Sheet (19 MiB, 2 passes, 1 lane), stored in PHC form. Only a
 *  few are computed at a time, since each takes memory. */
import { argon2 as argon2Callback, randomBytes, timingSafeEqual } from 'node:crypto'
import { promisify } from 'node:util'
import { ApiError } from '../server/errors.ts'

const argon2 = promisify(argon2Callback)
const cost = { memory: 19_456, passes: 2, parallelism: 1 } as const
const tagBytes = 32
const atATime = 2
const waitingMax = 50

/** What a password is compared with when there is no such account: the answer takes as long. */
const nobody = `$argon2id$v=19$m=${cost.memory},t=${cost.passes},p=${cost.parallelism}$${'A'.repeat(22)}$${'A'.repeat(43)}`

let running = 0
const waiting: (() => void)[] = []

export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(16)
  const tag = await compute(password, salt, cost)
  return `$argon2id$v=19$m=${cost.memory},t=${cost.passes},p=${cost.parallelism}$${unpadded(salt)}$${unpadded(tag)}`
}

/** @param stored undefined for an account that is not there, or has no password: false, after as long as for a real one. */
export async function isPassword(password: string, stored: string | undefined): Promise<boolean> {
  const [, m, t, p, salt = '', tag = ''] =
    /^\$argon2id\$v=19\$m=(\d+),t=(\d+),p=(\d+)\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)$/.exec(stored ?? nobody) ?? []
  const expected = Buffer.from(tag, 'base64')
  const computed = await compute(password, Buffer.from(salt, 'base64'), {
    memory: Number(m),
    passes: Number(t),
    parallelism: Number(p),
  })
  return expected.length === computed.length && timingSafeEqual(expected, computed) && stored !== undefined
}

async function compute(
  password: string,
  nonce: Buffer,
  parameters: { readonly memory: number; readonly passes: number; readonly parallelism: number },
): Promise<Buffer> {
  await turn()
  try {
    // The same text in another composition of its characters is the same password (NIST SP 800-63B §3.1.1.2).
    const message = Buffer.from(password.normalize('NFKC'))
    return await argon2('argon2id', { message, nonce, ...parameters, tagLength: tagBytes })
  } finally {
    running--
    waiting.shift()?.()
  }
}

async function turn(): Promise<void> {
  if (running >= atATime) {
    if (waiting.length >= waitingMax)
      throw new ApiError('too_many', 'too many are signing in at this moment', {
        nextMove: 'Try again in a few seconds.',
        retryAfterSeconds: 5,
      })
    await new Promise<void>((resolve) => waiting.push(resolve))
  }
  running++
}

function unpadded(bytes: Buffer): string {
  return bytes.toString('base64').replace(/=+$/, '')
}
