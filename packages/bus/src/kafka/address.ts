/** `host:port` as brokers are written in configuration: names, IPv4, IPv6 in brackets. */
import { RelayError } from '@siem-relay/common'
import type { Address } from './driver.ts'

/** @throws {RelayError} `RELAY_CONFIG_INVALID` */
export function parseAddress(text: string): Address {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^:\s]+)):(\d{1,5})$/.exec(text)
  const port = Number(match?.[3])
  const host = match?.[1] ?? match?.[2]
  if (host === undefined || port < 1 || port > 65_535)
    throw new RelayError(
      'RELAY_CONFIG_INVALID',
      `${text} is no broker address: write HOST:PORT, for example kafka:9092`,
    )
  return { host, port }
}
