/** Control of the log this process has open. */
import { randomUUID } from 'node:crypto'
import type { Bus } from '@siem-relay/bus'
import {
  type AgentDefinition,
  type Clock,
  jobsTopic,
  outTopic,
  progressOf,
  RelayError,
  type ReplayJob,
  type ReplayPlan,
  rawTopicsOfJob,
  replayFormatterGroup,
  replaySenderGroup,
  replayTopic,
  type SourceReport,
  type SourceView,
  tenantsOf,
} from '@siem-relay/common'
import { jobsOf, writeJobs } from '@siem-relay/service-kit'
import {
  type AgentLag,
  type Control,
  type CountReplayRequest,
  countReplayRequestSchema,
  type ForgetRequest,
  type Forgotten,
  type LagRequest,
  lagRequestSchema,
  type ReplayStatus,
} from './control.ts'
import { dropLetters, type HandleParts, retryLetters } from './dead-letters/handle.ts'
import { readLetter } from './dead-letters/letter.ts'
import { findLetter, listLetters } from './dead-letters/listing.ts'
import { readMarks } from './dead-letters/marks.ts'
import {
  type DeadLetterPage,
  type DeadLettersRequest,
  type DroppedLetters,
  deadLettersRequestSchema,
  type HandleLettersRequest,
  handleLettersRequestSchema,
  letterIdSchema,
  type RetriedLetters,
  type WholeDeadLetter,
} from './dead-letters/shapes.ts'
import { countKept, forgetAgent } from './forget.ts'
import { jobId } from './job-id.ts'
import { measureLag } from './lag.ts'
import {
  agentOfDefinition,
  createJudge,
  type Previewed,
  type PreviewRequest,
  previewRequestSchema,
  recordsOfLog,
} from './preview.ts'
import { checkPlan, planReplay } from './replay-plan.ts'
import { type ConfiguredSource, lookAtSources } from './sources.ts'
import { type TapItem, type TapRequest, tapRequestSchema } from './tap/shapes.ts'
import { tapRecords } from './tap/tap.ts'

/** Each has connections and groups of its own. */
const runningJobsMax = 10
/** How long an ended job is remembered. */
const rememberMs = 30 * 86_400_000

/** What control goes by of a configuration. */
interface ControlConfig {
  readonly agents: readonly AgentDefinition[]
  readonly sources: readonly ConfiguredSource[]
}

export interface LocalControlParts {
  readonly bus: Bus
  readonly clock: Clock
  /** The configuration in force. */
  readonly config: () => ControlConfig
  /** Of the relay: the device version of agents without one of their own. */
  readonly version: string
  /** Of this machine, as lines name it. */
  readonly hostName: string
  /** How the sources are that are polled in this process; default: none. */
  readonly ownSources?: () => readonly SourceReport[]
  /** What this process counts; default: nothing. */
  readonly ownMetrics?: () => Promise<string>
}

export class LocalControl implements Control {
  readonly #parts: LocalControlParts
  readonly #ownerId = `jobs/control/${randomUUID()}`
  /** One write after another: a second writer of the same owner would fence the first. */
  #writing: Promise<unknown> = Promise.resolve()

  constructor(parts: LocalControlParts) {
    this.#parts = parts
  }

  async agents(): Promise<readonly AgentDefinition[]> {
    return this.#agents()
  }

  async lag(request: LagRequest): Promise<readonly AgentLag[]> {
    const { agent, windowMs } = lagRequestSchema.parse(request)
    const agents = agent === undefined ? this.#agents().filter(({ enabled }) => enabled) : [this.#agent(agent)]
    return measureLag(this.#parts, agents, this.#tenants(), windowMs)
  }

  async sources(): Promise<readonly SourceView[]> {
    const { bus, clock, config, ownSources = () => [] } = this.#parts
    return lookAtSources(bus, config().sources, ownSources(), clock.nowMs())
  }

  async countReplay(request: CountReplayRequest): Promise<ReplayPlan> {
    const { bus, clock } = this.#parts
    const wanted = countReplayRequestSchema.parse(request)
    return planReplay(bus, this.#agent(wanted.agent), this.#tenants(), wanted, clock.nowMs())
  }

  async startReplay(plan: ReplayPlan): Promise<ReplayJob> {
    const { bus, clock } = this.#parts
    await checkPlan(bus, plan, this.#agent(plan.agent), this.#tenants())
    const nowMs = clock.nowMs()
    const job: ReplayJob = {
      ...plan,
      kind: 'replay',
      id: jobId(nowMs),
      createdMs: nowMs,
      state: 'running',
      isCleared: false,
    }
    return this.#exclusively(async () => {
      const jobs = await this.#jobs()
      const running = jobs.filter(({ state }) => state === 'running')
      if (running.length >= runningJobsMax)
        throw new RelayError('RELAY_USAGE', `${running.length} replays are running: wait for one, or cancel one`)
      const old = jobs.filter((one) => one.isCleared && (one.endedMs ?? nowMs) < nowMs - rememberMs)
      await this.#write([...old.map(({ id }) => ({ id, gone: true as const })), job])
      return job
    })
  }

  async replays(): Promise<readonly ReplayStatus[]> {
    const statuses: ReplayStatus[] = []
    for (const job of await this.#jobs()) statuses.push(await this.#statusOf(job))
    return statuses
  }

  async cancelReplay(id: string): Promise<ReplayStatus> {
    return this.#exclusively(async () => {
      const job = (await this.#jobs()).find((one) => one.id === id)
      if (job === undefined) throw new RelayError('RELAY_USAGE', `there is no replay ${id}; --list shows them`)
      if (job.state !== 'running') throw new RelayError('RELAY_USAGE', `replay ${id} has ended: it is ${job.state}`)
      const status = await this.#statusOf(job)
      const cancelled: ReplayJob = {
        ...job,
        state: 'cancelled',
        endedMs: this.#parts.clock.nowMs(),
        replayed: status.replayed,
      }
      await this.#write([cancelled])
      return { ...status, job: cancelled }
    })
  }

  async forget({ agent: id, isDryRun = false }: ForgetRequest): Promise<Forgotten> {
    if (this.#agents().some((agent) => agent.id === id && agent.enabled))
      throw new RelayError(
        'RELAY_USAGE',
        `agent ${id} is enabled: take it out of the configuration, set enabled: false, or disable it in the portal`,
      )
    const replay = (await this.#jobs()).find((job) => job.agent === id && job.state === 'running')
    if (replay !== undefined)
      throw new RelayError('RELAY_USAGE', `replay ${replay.id} of agent ${id} is running: cancel it first`)
    return isDryRun ? countKept(this.#parts.bus, id) : forgetAgent(this.#parts.bus, id)
  }

  async deadLetters(request: DeadLettersRequest): Promise<DeadLetterPage> {
    const { bus } = this.#parts
    const wanted = deadLettersRequestSchema.parse(request)
    const marks = await readMarks(bus, await this.#jobs())
    return listLetters({ bus, marks, agents: this.#agents() }, wanted)
  }

  async deadLetter(id: string): Promise<WholeDeadLetter> {
    const record = await findLetter(this.#parts.bus, letterIdSchema.parse(id))
    if (record === undefined)
      throw new RelayError('RELAY_USAGE', `there is no dead letter ${id}, or it has expired; dlq list shows them`)
    const marks = await readMarks(this.#parts.bus, await this.#jobs())
    return {
      ...readLetter(record, marks.get(id), this.#agents()),
      headers: record.headers,
      value: record.value.toString('base64'),
    }
  }

  async retryDeadLetters(request: HandleLettersRequest): Promise<RetriedLetters> {
    const wanted = handleLettersRequestSchema.parse(request)
    return this.#exclusively(() => retryLetters(this.#handleParts(), wanted))
  }

  async dropDeadLetters(request: HandleLettersRequest): Promise<DroppedLetters> {
    const wanted = handleLettersRequestSchema.parse(request)
    return this.#exclusively(() => dropLetters(this.#handleParts(), wanted))
  }

  async preview(request: PreviewRequest): Promise<readonly Previewed[]> {
    const { bus, clock, version, hostName } = this.#parts
    const { agent: wanted, limit, explain, records } = previewRequestSchema.parse(request)
    const agent = typeof wanted === 'string' ? this.#agent(wanted) : agentOfDefinition(wanted)
    const judge = createJudge(agent, { explain, version, hostName, nowMs: () => clock.nowMs() })
    if (records !== undefined)
      return records.map(({ body, ...record }) =>
        judge({ ...record, body: Buffer.from(body), receivedMs: clock.nowMs() }),
      )
    const previewed: Previewed[] = []
    for await (const record of recordsOfLog(bus, agent.tenants ?? this.#tenants(), limit)) previewed.push(judge(record))
    return previewed
  }

  async metrics(): Promise<string | undefined> {
    return this.#parts.ownMetrics?.()
  }

  tap(request: TapRequest, signal?: AbortSignal): AsyncIterable<TapItem> {
    const { bus, clock } = this.#parts
    const parts = { bus, clock, agents: this.#agents(), tenants: this.#tenants() }
    return tapRecords(parts, tapRequestSchema.parse(request), signal)
  }

  #handleParts(): HandleParts {
    const { bus, clock, version } = this.#parts
    return { bus, clock, version, runningJobsMax, agents: this.#agents(), tenants: this.#tenants() }
  }

  async #statusOf(job: ReplayJob): Promise<ReplayStatus> {
    const { positions } = this.#parts.bus
    if (job.state === 'done') return { job, share: 1, replayed: job.replayed ?? job.records }
    if (job.state !== 'running') {
      const replayed = job.replayed ?? 0
      return { job, share: job.records === 0 ? 0 : Math.min(1, replayed / job.records), replayed }
    }
    if (job.source === 'out') {
      const standings = await positions.of(replaySenderGroup(job.id), [outTopic(job.agent)])
      const share = shareOf(progressOf(job.stretches, standings))
      return { job, share, replayed: Math.round(share * job.records) }
    }
    const topic = replayTopic(job.id)
    const sender = await positions.of(replaySenderGroup(job.id), [topic])
    const counts = sender.map(({ partition, start, committed = start }) =>
      positions.count(topic, partition, start, committed),
    )
    const replayed = (await Promise.all(counts)).reduce((sum, count) => sum + count, 0)
    const delivered = progressOf(
      sender.map(({ topic: name, partition, start, end }) => ({ topic: name, partition, from: start, until: end })),
      sender,
    )
    if (job.source === 'letters') return { job, share: shareOf(delivered), replayed }
    const formatter = await positions.of(replayFormatterGroup(job.id), rawTopicsOfJob(job))
    // Formatting runs ahead of delivery: what is delivered of what is formatted so far.
    return {
      job,
      share: shareOf(progressOf(job.stretches, formatter)) * shareOf(delivered),
      replayed,
    }
  }

  async #jobs(): Promise<readonly ReplayJob[]> {
    await using table = await this.#parts.bus.table(jobsTopic)
    return jobsOf(table)
  }

  #write(jobs: Parameters<typeof writeJobs>[2]): Promise<void> {
    return writeJobs(this.#parts, this.#ownerId, jobs)
  }

  #exclusively<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#writing.then(work)
    this.#writing = done.catch(() => undefined)
    return done
  }

  #agents(): readonly AgentDefinition[] {
    return this.#parts.config().agents
  }

  #tenants(): readonly string[] {
    return tenantsOf(this.#parts.config().sources)
  }

  #agent(id: string): AgentDefinition {
    const agents = this.#agents()
    const agent = agents.find((one) => one.id === id)
    if (agent !== undefined) return agent
    const known = agents.map((one) => one.id).join(', ') || 'none'
    throw new RelayError('RELAY_USAGE', `the configuration has no agent ${id}; it has: ${known}`)
  }
}

function shareOf({ passed, total }: { readonly passed: number; readonly total: number }): number {
  return total === 0 ? 1 : passed / total
}
