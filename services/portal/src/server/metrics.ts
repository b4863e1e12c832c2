/** What Prometheus sees of the API. */
import { counter, durationBuckets, histogram, type World } from '@siem-relay/service-kit'
import type { FastifyInstance } from 'fastify'

const results = ['2xx', '3xx', '4xx', '5xx'] as const

/** Streams of events and long polls take as long as they are wanted: only whole answers are timed. */
const timedSecondsMax = 10

/** Before the server listens. */
export function countAnswers(server: FastifyInstance, metrics: World['metrics']): void {
  const requests = counter(metrics, {
    name: 'siem_relay_portal_requests_total',
    help: 'Requests to the portal by the class of the answer: 2xx, 3xx, 4xx, 5xx.',
    labels: ['result'],
  })
  const seconds = histogram(metrics, {
    name: 'siem_relay_portal_request_seconds',
    help: 'How long answers of the portal took; those of more than 10 s, which are streams, are left out.',
    buckets: durationBuckets,
  })
  for (const result of results) requests.inc({ result }, 0)
  server.addHook('onResponse', async (_request, reply) => {
    const result = results[Math.floor(reply.statusCode / 100) - 2]
    if (result !== undefined) requests.inc({ result })
    const taken = reply.elapsedTime / 1_000
    if (taken <= timedSecondsMax) seconds.observe(taken)
  })
}
