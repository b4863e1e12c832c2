/** A real Prometheus, its own directory and port, that asks relays every second: with our rules, only faster. Ended by its process id.
 *  `scripts/prometheus.sh` installs it. */
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, globSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { parseYaml } from '../../packages/service-kit/src/config/yaml-source.ts'

const root = join(import.meta.dirname, '..', '..')
const run = promisify(execFile)

interface Sample {
  readonly metric: Readonly<Record<string, string>>
  readonly values: readonly (readonly [seconds: number, value: string])[]
}

interface Value {
  readonly metric: Readonly<Record<string, string>>
  readonly value: readonly [seconds: number, value: string]
}

export interface Alert {
  readonly labels: Readonly<Record<string, string>>
  readonly state: 'pending' | 'firing'
}

interface Rule {
  readonly name: string
  readonly health: string
  readonly lastError?: string
}

export interface Prometheus extends AsyncDisposable {
  /** Seconds since the epoch. */
  readonly startedSeconds: number
  /** A query of a dashboard, over everything since the start. @throws what Prometheus says of one it does not take. */
  queryRange(expr: string): Promise<readonly Sample[]>
  query(expr: string): Promise<readonly Value[]>
  alerts(): Promise<readonly Alert[]>
  rules(): Promise<readonly Rule[]>
  /** What its service discovery finds from now on. */
  discover(jobs: Jobs): void
}

/** Addresses of /metrics by job. */
type Jobs = Readonly<Record<string, readonly string[]>>

/** @throws with how to install it. */
function toolPath(name: 'prometheus' | 'promtool'): string {
  const own = join(process.env.PROMETHEUS_ROOT ?? '/opt/prometheus', 'usr', 'bin', name)
  if (existsSync(own)) return own
  throw new Error(`no ${own}: run \`bash scripts/prometheus.sh\` as root, or set PROMETHEUS_ROOT`)
}

/** @throws with what promtool says. @param input its standard input. */
export async function promtool(args: readonly string[], input?: string): Promise<string> {
  const running = run(toolPath('promtool'), args, { cwd: root })
  running.child.stdin?.end(input ?? '')
  try {
    const { stdout, stderr } = await running
    return stdout + stderr
  } catch (error) {
    const { stdout, stderr } = error as { stdout?: string; stderr?: string }
    throw new Error(`promtool ${args.join(' ')}:\n${stdout ?? ''}${stderr ?? ''}`, { cause: error })
  }
}

/** What has to last for hours takes a fifth of its share of the day. */
const hoursMs = 3_600_000
const hoursFactor = 5

/**
 * Our rules in a shorter day: every duration, and every threshold that is one, divided.
 * @param retentionFactor by how much more retention shrinks: half of a week is long at any pace a test has.
 */
function hastened(path: string, factor: number, retentionFactor: number): string {
  const short = (text: string, by: number): string => `${Math.round(msOf(text) / by)}ms`
  const expr = (text: string, by: number): string =>
    text
      .replace(/\[(\w+)\]/g, (_, duration: string) => `[${short(duration, by)}]`)
      .replace(/offset (\w+)/g, (_, duration: string) => `offset ${short(duration, by)}`)
      .replace(
        /(seconds\w*[^>\n]*) > (900|1800)\b/g,
        (_, before: string, seconds: string) => `${before} > ${Number(seconds) / factor}`,
      )
      .replace('0.5 * max by (agent, stage) (siem_relay_retention_seconds)', `$& / ${retentionFactor}`)
  const { value, problems } = parseYaml(readFileSync(path, 'utf8'))
  if (problems.length > 0) throw new Error(`${path} is no YAML`)
  const { groups } = value as { groups: { rules: { expr: string; for?: string }[] }[] }
  return JSON.stringify({
    groups: groups.map((group) => ({
      ...group,
      rules: group.rules.map((rule) => {
        const by = msOf(rule.for ?? '0m') > hoursMs ? factor * hoursFactor : factor
        return {
          ...rule,
          expr: expr(rule.expr, by),
          ...(rule.for !== undefined && { for: short(rule.for, by) }),
        }
      }),
    })),
  })
}

const unitMs: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }

function msOf(duration: string): number {
  const [, count, unit = ''] = /^(\d+)([smhd])$/.exec(duration) ?? []
  const ms = unitMs[unit]
  if (ms === undefined) throw new Error(`${duration} is no duration of our rules`)
  return Number(count) * ms
}

export interface PrometheusOptions {
  readonly directory: string
  readonly jobs: Jobs
  readonly factor: number
  readonly retentionFactor: number
}

export async function startPrometheus(options: PrometheusOptions): Promise<Prometheus> {
  const { directory, jobs, factor, retentionFactor } = options
  const rules = join(directory, 'rules')
  mkdirSync(rules, { recursive: true })
  for (const [index, path] of globSync('monitoring/prometheus/rules/*.yml', { cwd: root }).entries())
    writeFileSync(join(rules, `${index}.yml`), hastened(join(root, path), factor, retentionFactor))
  const found = (job: string): string => join(directory, `${job}.json`)
  const discover = (next: Jobs): void => {
    for (const [job, targets] of Object.entries(next)) {
      writeFileSync(`${found(job)}.new`, JSON.stringify([{ targets }]))
      renameSync(`${found(job)}.new`, found(job))
    }
  }
  discover(jobs)
  const config = {
    global: { scrape_interval: '1s', scrape_timeout: '1s', evaluation_interval: '1s' },
    rule_files: [join(rules, '*.yml')],
    scrape_configs: Object.keys(jobs).map((job) => ({
      job_name: job,
      file_sd_configs: [{ files: [found(job)], refresh_interval: '1s' }],
    })),
  }
  writeFileSync(join(directory, 'prometheus.yml'), JSON.stringify(config))
  const port = await freePort()
  const child = spawn(
    toolPath('prometheus'),
    [
      `--config.file=${join(directory, 'prometheus.yml')}`,
      `--storage.tsdb.path=${join(directory, 'data')}`,
      `--web.listen-address=127.0.0.1:${port}`,
      '--log.level=warn',
    ],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  )
  let said = ''
  child.stderr.on('data', (chunk) => {
    said = `${said}${String(chunk)}`.slice(-10_000)
  })
  const exited = once(child, 'exit')
  const url = `http://127.0.0.1:${port}`
  const ask = async <Data>(path: string, query: Readonly<Record<string, string>> = {}): Promise<Data> => {
    const response = await fetch(`${url}/api/v1/${path}?${new URLSearchParams(query)}`)
    const answer = (await response.json()) as { status: string; data: Data; error?: string }
    if (answer.status !== 'success') throw new Error(`${query.query ?? path}: ${answer.error}`)
    return answer.data
  }
  while (!(await isReady(url))) {
    if (child.exitCode !== null) throw new Error(`Prometheus ended with ${child.exitCode}:\n${said}`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  const startedSeconds = Date.now() / 1_000
  return {
    startedSeconds,
    queryRange: async (query) => {
      const end = Date.now() / 1_000
      const range = { start: String(startedSeconds), end: String(end), step: '1' }
      return (await ask<{ result: readonly Sample[] }>('query_range', { query, ...range })).result
    },
    query: async (query) => (await ask<{ result: readonly Value[] }>('query', { query })).result,
    alerts: async () => (await ask<{ alerts: readonly Alert[] }>('alerts')).alerts,
    rules: async () =>
      (await ask<{ groups: readonly { rules: readonly Rule[] }[] }>('rules')).groups.flatMap((group) => group.rules),
    discover,
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGTERM')
      await exited
    },
  }
}

async function isReady(url: string): Promise<boolean> {
  return fetch(`${url}/-/ready`).then(
    ({ ok }) => ok,
    () => false,
  )
}

/** Prometheus does not say which port it was given for 0. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  return typeof address === 'object' && address !== null ? address.port : 0
}
