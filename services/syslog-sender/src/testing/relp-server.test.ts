import { connect } from 'node:net'
import { expect, test } from 'vitest'
import { RelpServer } from './relp-server.ts'
import { eventually } from './sender.ts'

test('a server of the tests refuses a gap in the numbers, as librelp does', async () => {
  await using server = await RelpServer.start()
  const socket = connect(server.port, '127.0.0.1')
  const heard: Buffer[] = []
  socket.on('data', (chunk: Buffer) => heard.push(chunk))
  socket.write('1 open 30 relp_version=0\ncommands=syslog\n3 syslog 1 a\n')
  await eventually(() => expect(Buffer.concat(heard).toString()).toMatch(/^1 rsp 93 200 OK\n.*\n0 serverclose 0\n$/s))
  socket.destroy()
})
