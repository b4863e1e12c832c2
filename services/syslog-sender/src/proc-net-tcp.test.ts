import { connect, createServer, type Socket } from 'node:net'
import { describe, expect, test } from 'vitest'
import { findTxQueue, KernelQueues } from './proc-net-tcp.ts'

/** Lines as Linux 6 prints them on a little-endian machine. */
const table = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:0202 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 17 1 0000000000000000 100 0 0 10 0
   1: 0100007F:8AE2 0100007F:0202 01 00136F50:00000000 01:00000014 00000000     0        0 18 2 0000000000000000 20 4 30 10 -1
   2: 0100007F:0202 0100007F:8AE2 01 00000000:000A0000 00:00000000 00000000     0        0 19 1 0000000000000000 20 4 30 10 -1
   3: 050A000A:8AE2 0600000A:0202 08 00000001:00000000 00:00000000 00000000     0        0 20 1 0000000000000000 20 4 30 10 -1
`
const table6 = `  sl  local_address                         remote_address                        st tx_queue rx_queue tr
   0: B80D0120000000000000000001000000:C350 B80D0120000000000000000002000000:0202 01 0000000A:00000000 00:00000000
   1: 0000000000000000FFFF00000100007F:C350 0000000000000000FFFF00000200007F:0202 01 0000000B:00000000 00:00000000
`

const ours = { localAddress: '127.0.0.1', localPort: 0x8ae2, remoteAddress: '127.0.0.1', remotePort: 514 }

describe('findTxQueue', () => {
  test('reads the bytes not yet acknowledged: 00136F50 is 1,273,680', () =>
    expect(findTxQueue(table, ours)).toBe(1_273_680))

  test('tells connections with the same ports apart by their addresses', () =>
    expect(findTxQueue(table, { ...ours, localAddress: '10.0.10.5', remoteAddress: '10.0.0.6' })).toBe(1))

  test('does not take the other end for ours, and finds nothing that is not there', () => {
    expect(findTxQueue(table, { ...ours, localPort: 514, remotePort: 0x8ae2 })).toBe(0)
    expect(findTxQueue(table, { ...ours, localPort: 1 })).toBeUndefined()
    expect(findTxQueue('', ours)).toBeUndefined()
  })

  test('reads IPv6 addresses, also those that map IPv4', () => {
    const key = { localAddress: '2001:db8::1', localPort: 50_000, remoteAddress: '2001:db8::2', remotePort: 514 }
    expect(findTxQueue(table6, key)).toBe(10)
    const mapped = { ...key, localAddress: '::ffff:127.0.0.1', remoteAddress: '::ffff:127.0.0.2' }
    expect(findTxQueue(table6, mapped)).toBe(11)
  })
})

describe('KernelQueues', () => {
  test('does not open where there is no such table', async () => {
    expect(await KernelQueues.open(async () => Promise.reject(new Error('ENOENT')))).toBeUndefined()
    expect(await KernelQueues.open(async () => 'something else')).toBeUndefined()
  })

  test('one read answers all who asked before it began', async () => {
    let reads = 0
    const queues = await KernelQueues.open(async () => {
      reads++
      return table
    })
    const before = reads
    const answers = await Promise.all(Array.from({ length: 10 }, () => queues?.unacknowledgedBytes(ours)))
    expect(answers).toEqual(new Array(10).fill(1_273_680))
    // The first began at once; the others asked while it ran, and share the next.
    expect(reads - before).toBe(2)
  })

  test('a table that cannot be read says nothing', async () => {
    let fails = false
    const queues = await KernelQueues.open(async () => (fails ? Promise.reject(new Error('EMFILE')) : table))
    fails = true
    expect(await queues?.unacknowledgedBytes(ours)).toBeUndefined()
    fails = false
    expect(await queues?.unacknowledgedBytes(ours)).toBe(1_273_680)
  })

  test.runIf(process.platform === 'linux')('sees what a real receiver has not acknowledged', async () => {
    const accepted: Socket[] = []
    const server = createServer({ pauseOnConnect: true }, (socket) => accepted.push(socket))
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const address = server.address()
    const port = address !== null && typeof address === 'object' ? address.port : 0
    const socket = connect(port, '127.0.0.1')
    await new Promise((resolve) => socket.once('connect', resolve))
    const key = {
      localAddress: '127.0.0.1',
      localPort: socket.localPort ?? 0,
      remoteAddress: '127.0.0.1',
      remotePort: port,
    }
    const queues = await KernelQueues.open()
    expect(await queues?.unacknowledgedBytes(key)).toBe(0)
    socket.write(Buffer.alloc(67_108_864))
    let waiting: number | undefined
    while (waiting === undefined || waiting === 0) waiting = await queues?.unacknowledgedBytes(key)
    expect(waiting).toBeGreaterThan(0)
    socket.on('error', () => {}).destroy()
    for (const peer of accepted) peer.on('error', () => {}).destroy()
    server.close()
  })
})
