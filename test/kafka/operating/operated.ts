/** A whole relay as its operators meet it: it runs in this process, its configuration stands in a directory where commands are run,
 *  and somebody is signed in to its portal. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { relayConfigSchema } from '../../../app/src/config/schema.ts'
import type { CommandOutcome } from '../../../app/src/testing/terminal.ts'
import { type PortalClient, setUpPortal, signInTo } from '../../../services/portal/src/testing/browser.ts'
import { jsonOf, type RunningCommand, runCommand, startCommand } from '../../support/command.ts'
import { type Receiver, tcpReceiver } from '../../support/receivers.ts'
import { startTestRelay, temporaryDirectory } from '../../support/relay.ts'
import { type Events, openEvents } from './events.ts'
import type { Tenant } from './tenant.ts'

type Relay = Awaited<ReturnType<typeof startTestRelay>>

/** Too short for the line of an activity: each is a dead letter. */
const tooShort = 480

export class Operated implements AsyncDisposable {
  /** Gets everything. */
  readonly soc: Receiver
  /** Gets activities, and takes short lines only, until it is widened. */
  readonly narrow: Receiver
  readonly inbox: string
  readonly #bus: object | undefined
  readonly #tenant: Tenant
  readonly #directory = temporaryDirectory()
  #relay: Relay | undefined
  #browser: PortalClient | undefined
  #messageBytesMax: number | undefined = tooShort

  private constructor(bus: object | undefined, tenant: Tenant, soc: Receiver, narrow: Receiver) {
    this.#bus = bus
    this.#tenant = tenant
    this.soc = soc
    this.narrow = narrow
    this.inbox = join(this.#directory.path, 'inbox')
    mkdirSync(this.inbox)
  }

  /** @param bus the `bus:` of the configuration; undefined: the embedded log. */
  static async start(tenant: Tenant, bus: object | undefined): Promise<Operated> {
    const [soc, narrow] = [await tcpReceiver('octet-counting'), await tcpReceiver('octet-counting')]
    const operated = new Operated(bus, tenant, soc, narrow)
    await operated.#start()
    return operated
  }

  get relay(): Relay {
    if (this.#relay === undefined) throw new Error('no relay runs')
    return this.#relay
  }

  get browser(): PortalClient {
    if (this.#browser === undefined) throw new Error('nobody is signed in')
    return this.#browser
  }

  command(...args: readonly string[]): Promise<CommandOutcome> {
    return runCommand(this.#directory.path, ...args)
  }

  json<T>(...args: readonly string[]): Promise<T> {
    return jsonOf(this.#directory.path, ...args)
  }

  /** A command that goes on until it is ended. */
  started(...args: readonly string[]): RunningCommand {
    return startCommand(this.#directory.path, args)
  }

  /** What the portal answers. @throws when it refuses. */
  async portal<T>(method: string, path: string, body?: object): Promise<T> {
    const answer = await this.browser.call(method, path, body)
    if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`)
    return answer.body as T
  }

  /** A live view of the portal, once it has begun. */
  tap(query: string): Promise<Events> {
    const { url } = this.relay.portal ?? { url: '' }
    return openEvents(`${url}/api/v1/tap?${query}`, this.browser.cookie)
  }

  /** From now on the lines of the narrow agent fit. */
  async widen(): Promise<void> {
    this.#messageBytesMax = undefined
    await this.relay.update(relayConfigSchema.parse(this.#write()))
  }

  /** The views of the portal are lost while the relay does not run. */
  async loseViews(): Promise<void> {
    await this.relay.stop(0)
    this.#relay = undefined
    for (const end of ['', '-wal', '-shm'])
      rmSync(join(this.#directory.path, 'portal', `portal-views.db${end}`), { force: end !== '' })
    await this.#start()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#relay?.stop(0)
    await this.soc[Symbol.asyncDispose]()
    await this.narrow[Symbol.asyncDispose]()
    this.#directory[Symbol.dispose]()
  }

  async #start(): Promise<void> {
    const relay = await startTestRelay(join(this.#directory.path, 'log'), this.#write())
    this.#relay = relay
    if (relay.portal === undefined) throw new Error('the portal does not run')
    const isNew = this.#browser === undefined
    this.#browser = await (isNew ? setUpPortal(relay.portal) : signInTo(relay.portal.url, 'ada'))
  }

  /** @returns the configuration, which stands in its file now. */
  #write(): object {
    const to = (port: number, more: object = {}): object => ({
      syslog: {
        host: '127.0.0.1',
        port,
        framing: 'octet-counting',
        checkpointMessages: 50,
        checkpointSeconds: 0.3,
        ...more,
      },
    })
    const activitiesOnly = { alerts: { enabled: false }, activities: { enabled: true } }
    const wide = this.#messageBytesMax === undefined ? {} : { messageBytesMax: this.#messageBytesMax }
    const config = {
      bus: this.#bus ?? { path: join(this.#directory.path, 'log'), freeBytesMin: 1_048_576 },
      admin: { listen: '127.0.0.1:0' },
      portal: { listen: '127.0.0.1:0', data: join(this.#directory.path, 'portal') },
      sources: this.#tenant.sources(this.inbox),
      agents: [
        { id: 'soc', ...to(this.soc.port), activities: { enabled: true }, discovery: { enabled: true } },
        { id: 'narrow', ...to(this.narrow.port, wide), ...activitiesOnly },
        // Nobody listens there: what is kept for it waits.
        { id: 'away', ...to(1), ...activitiesOnly },
      ],
    }
    writeFileSync(join(this.#directory.path, 'siem-relay.yaml'), JSON.stringify(config), { mode: 0o600 })
    return config
  }
}
