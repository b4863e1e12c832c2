/** `siem-relay generate`: realistic records or lines, the same for the same seed. For tests of receivers and parsers. */
import { agentSchema, createPipeline, type EventKind } from '@siem-relay/common'
import { createGenerator } from '@siem-relay/simulator'
import type { Terminal } from '../terminal.ts'
import { version } from '../version.ts'

export interface GenerateOptions {
  readonly count: number
  readonly kind: EventKind | 'both'
  readonly format: 'json' | 'cef'
  readonly seed: number
}

/** 2026-01-01: fixed, so that one seed gives one output on any day. */
const startMs = 1_767_225_600_000
const stepMs = 1_000

export async function generate(options: GenerateOptions, terminal: Terminal): Promise<void> {
  const generator = createGenerator(options.seed)
  const agent = agentSchema.parse({ id: 'generate', console: true, discovery: { enabled: true } })
  const pipeline = createPipeline(agent, { defaultVersion: version, bytesMax: 65_536, nowMs: () => startMs })
  for (let index = 0; index < options.count; index++) {
    const kind: EventKind = options.kind === 'both' ? (index % 8 === 0 ? 'alert' : 'activity') : options.kind
    const timeMs = startMs + index * stepMs
    const record = JSON.stringify(generator[kind](timeMs))
    if (options.format === 'json') await write(terminal, record)
    else {
      const outcome = pipeline(
        {
          body: Buffer.from(record),
          kind,
          tenant: 'contoso',
          source: 'contoso',
          portalUrl: 'https://contoso.portal.cloudappsecurity.com',
          receivedMs: timeMs,
        },
        () => false,
      )
      if (outcome.outcome === 'message') await write(terminal, outcome.line)
    }
  }
}

/** Waits for the reader: a million lines into a slow pipe stay out of memory. */
async function write(terminal: Terminal, line: string): Promise<void> {
  if (terminal.stdout.write(`${line}\n`)) return
  await new Promise<void>((resolve) => terminal.stdout.once('drain', resolve))
}
