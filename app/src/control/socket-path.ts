/** Where the process that has a log open can be reached: a socket in the log's own directory, which its user alone may enter. */
import { createHash } from 'node:crypto'
import { join, relative, resolve } from 'node:path'
import { RelayError } from '@siem-relay/common'

/** sockaddr_un holds 108 bytes on Linux and 104 on macOS and the BSDs, the closing NUL among them. */
const pathBytesMax = 103

/**
 * The shorter of the absolute path and the one from the working directory, where the first is too long for a socket.
 * @throws {RelayError} `RELAY_CONTROL_FAILED` when both are.
 */
export function controlSocketPath(
  directory: string,
  { platform = process.platform, cwd = process.cwd() } = {},
): string {
  const path = join(resolve(cwd, directory), 'control.sock')
  if (platform === 'win32') {
    const name = createHash('sha256').update(path.toLowerCase()).digest('hex').slice(0, 32)
    return `\\\\.\\pipe\\siem-relay-${name}`
  }
  const fitting = [path, relative(cwd, path)].find((one) => Buffer.byteLength(one) <= pathBytesMax)
  if (fitting !== undefined) return fitting
  throw new RelayError(
    'RELAY_CONTROL_FAILED',
    `${path} is too long for a socket, which takes ${pathBytesMax} bytes: choose a shorter bus.path, or start both the relay and its commands in a directory near it`,
  )
}
