/** `npm run test:faults [name…]`: the promises of docs/operating/reliability.md put to the test with real processes. Linux; rsyslog from
 *  scripts/receivers.sh; the disk tests need root. `--quick` runs a tenth of the rounds;
 *  `--kafka` those on brokers of their own, which need Docker, instead of the others. Prints figures; exits 1 when one is wrong. */

import { inspect } from 'node:util'
import { type KafkaCluster, startKafkaCluster } from '../support/kafka-cluster.ts'
import { backlogBehindStalledReceiver, halfOpenReceiver, receiverThatNeverReads } from './bad-receivers.ts'
import { diskFull } from './disk-full.ts'
import { brokerRestarts, copyUnderKills, membershipStorm, threeBrokers, zombies } from './kafka/copy.ts'
import { blockedBesideHealthy, brokerKills, hundredTenants, killSender, stalledAndKilled } from './kafka/relay.ts'
import { killReceiver } from './kill-receiver.ts'
import { killRelay } from './kill-relay.ts'
import { killRemote } from './kill-remote.ts'
import { killTwins } from './kill-twins.ts'
import { print, type Report } from './report.ts'
import { sentinelStorm } from './sentinel-storm.ts'

const args = process.argv.slice(2)
const isQuick = args.includes('--quick')
const isOnKafka = args.includes('--kafka')
const wanted = args.filter((arg) => !arg.startsWith('--'))
const seed = Number(args.find((arg) => arg.startsWith('--seed='))?.slice(7) ?? 1)

const runs: Readonly<Record<string, () => Promise<Report>>> = {
  'kill-relay': () => killRelay(isQuick ? 10 : 100, seed),
  'kill-twins': () => killTwins(isQuick ? 6 : 40, seed),
  'kill-receiver': () => killReceiver('tcp', isQuick ? 3 : 20, seed),
  'kill-relp': () => killReceiver('relp', isQuick ? 3 : 20, seed),
  'kill-relp-tls': () => killReceiver('relp-tls', isQuick ? 3 : 20, seed),
  'kill-remote': () => killRemote(isQuick ? 6 : 30, seed),
  'never-reads': () => receiverThatNeverReads(seed),
  'half-open': () => halfOpenReceiver(seed),
  'sentinel-storm': () => sentinelStorm(isQuick ? 100_000 : 1_000_000, isQuick ? 2 : 10, seed),
  'disk-low': () => diskFull(4 * 1_048_576, seed),
  'disk-full': () => diskFull(0, seed),
  'kafka-kills': () => copyUnderKills(isQuick ? 20_000 : 100_000, seed),
  'kafka-restarts': () => brokerRestarts(isQuick ? 20_000 : 200_000, seed),
  'kafka-zombies': () => zombies(isQuick ? 2 : 20, seed),
  'kafka-storm': () => membershipStorm(isQuick ? 20 : 120, seed),
  'kafka-three-brokers': () => threeBrokers(isQuick ? 10_000 : 50_000),
  'kafka-broker': () => brokerKills(isQuick ? 2 : 10, seed),
  'kafka-sender': () => killSender(isQuick ? 1 : 5, seed),
  'kafka-stalled': () => stalledAndKilled(isQuick ? 5_000 : 50_000, seed),
  'kafka-blocked': () => blockedBesideHealthy(isQuick ? 5_000 : 50_000, seed),
  'kafka-tenants': () => hundredTenants(isQuick ? 20 : 100, isQuick ? 5 : 60),
  'kafka-relp': () => onOneBroker((cluster) => killReceiver('relp', isQuick ? 3 : 20, seed, cluster)),
  'kafka-relp-tls': () => onOneBroker((cluster) => killReceiver('relp-tls', isQuick ? 3 : 20, seed, cluster)),
  backlog: () => backlogBehindStalledReceiver(isQuick ? 100_000 : 1_000_000, seed),
}

async function onOneBroker(run: (cluster: KafkaCluster) => Promise<Report>): Promise<Report> {
  await using cluster = await startKafkaCluster(1)
  return await run(cluster)
}

const unknown = wanted.filter((name) => runs[name] === undefined)
if (unknown.length > 0)
  throw new Error(`no such run: ${unknown.join(', ')}; there are: ${Object.keys(runs).join(', ')}`)

/** Many times what any of them takes: whoever needs longer stands still. */
const minutesMax = isQuick ? 10 : 120

/** @throws what the run threw, or that it took too long. */
async function bounded(run: () => Promise<Report>): Promise<Report> {
  const { promise, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(
    () => reject(new Error(`stood still: not done in ${minutesMax} minutes`)),
    minutesMax * 60_000,
  )
  try {
    return await Promise.race([run(), promise])
  } finally {
    clearTimeout(timer)
  }
}

// What a run has started is ended with the process.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1))
let failed = 0
let passed = 0
process.stdout.write(`seed ${seed}\n`)
for (const [name, run] of Object.entries(runs)) {
  const isWanted = wanted.length > 0 ? wanted.includes(name) : name.startsWith('kafka-') === isOnKafka
  if (!isWanted) continue
  try {
    const report = await bounded(run)
    print(report)
    if (report.passed) passed += 1
    else failed += 1
  } catch (error) {
    process.stdout.write(`FAIL ${name}\n     ${inspect(error)}\n`)
    failed += 1
  }
}
process.stdout.write(`fault runs: ${passed} held, ${failed} did not\n`)
process.exit(failed === 0 ? 0 : 1)
