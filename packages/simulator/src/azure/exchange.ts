/** Requests to Azure and their answers: which service one is for, what it says, and what a scripted fault makes of it. */

import { randomUUID } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { Answer } from '../http/answer.ts'
import { accepted, azureError, tokenReplacement, uploadReplacement } from './answers.ts'
import { type Body, readBody } from './body.ts'
import type { Entra, Form } from './entra.ts'
import type { AzureFault, AzureFaultScript } from './faults.ts'
import type { Ingestion, UploadHead } from './ingestion.ts'
import type { Ledger, UploadNote } from './ledger.ts'
import type { StoredRow } from './table-store.ts'
import { type Line, reset, send } from './wire.ts'

export interface ExchangeParts {
  readonly entra: Entra
  readonly ingestion: Ingestion
  readonly faults: AzureFaultScript
  readonly ledger: Ledger
  readonly wireBytesMax: number
  /** Awaited before the answer: whoever is told sets the pace. */
  readonly onStored: ((rows: readonly StoredRow[]) => void | Promise<void>) | undefined
  readonly nowMs: () => number
}

const formBytesMax = 65_536

export class Exchange {
  readonly #parts: ExchangeParts

  constructor(parts: ExchangeParts) {
    this.#parts = parts
  }

  /** @throws when the client goes away, and when the simulator stops. */
  async handle(request: IncomingMessage, line: Line): Promise<void> {
    const url = new URL(request.url ?? '/', 'https://simulator')
    const path = `${request.method} ${url.pathname}`
    const upload = /^POST \/dataCollectionRules\/([^/]+)\/streams\/([^/]+)$/.exec(path)
    const token = /^POST \/([^/]+)\/oauth2\/v2\.0\/token$/.exec(path)
    const configuration = /^GET \/([^/]+)\/v2\.0\/\.well-known\/openid-configuration$/.exec(path)
    if (upload !== null) return await this.#upload(request, line, readHead(request, url, upload))
    if (token !== null) return await this.#token(request, line, token[1] ?? '')
    request.resume()
    const answer =
      configuration === null
        ? azureError(404, 'NotFound', `There is no ${path} here.`)
        : this.#parts.entra.openidConfiguration(configuration[1] ?? '', `https://${request.headers.host ?? ''}`)
    await send(line, this.#complete(answer, request, randomUUID()), undefined)
  }

  async #upload(request: IncomingMessage, line: Line, head: UploadHead): Promise<void> {
    const { ledger, faults, nowMs } = this.#parts
    const note = ledger.open(head, nowMs())
    let answer: Answer | undefined
    try {
      const fault = faults.take({ route: 'ingestion', ruleId: head.ruleId, stream: head.stream })
      if (endsEarly(fault)) return await this.#endEarly(request, line, fault, note)
      const body = await this.#read(request, line, fault, this.#parts.wireBytesMax)
      note.read(body.wireBytes)
      const right =
        uploadReplacement(fault, head.ruleId, body.wireBytes) ?? (await this.#judge(head, body, fault, note))
      if (fault?.type === 'token-expired') this.#parts.entra.expireToken(head.authorization)
      if (await send(line, this.#complete(right, request, head.requestId), fault)) answer = right
    } finally {
      note.answered(answer, nowMs())
    }
  }

  async #judge(head: UploadHead, body: Body, fault: AzureFault | undefined, note: UploadNote): Promise<Answer> {
    const verdict = await this.#parts.ingestion.accept(head, body, fault?.type === 'lose' ? 'lose' : 'store')
    note.judged(verdict)
    if (verdict.storedRows.length > 0) await this.#parts.onStored?.(verdict.storedRows)
    return fault?.type === 'accepted' && verdict.answer.status === 204 ? accepted(fault.status) : verdict.answer
  }

  async #token(request: IncomingMessage, line: Line, tenantId: string): Promise<void> {
    const { entra, faults, ledger, nowMs } = this.#parts
    const fault = faults.take({ route: 'token' })
    if (endsEarly(fault)) return await this.#endEarly(request, line, fault)
    const { bytes } = await this.#read(request, line, fault, formBytesMax)
    const form: Form = Object.fromEntries(new URLSearchParams(bytes?.toString()))
    const answer = tokenReplacement(fault, nowMs()) ?? entra.issue(tenantId, form)
    const atMs = nowMs()
    const isSent = await send(line, this.#complete(answer, request, randomUUID()), fault)
    ledger.noteToken({
      atMs,
      tenantId,
      clientId: form.client_id,
      proof: proofOf(form),
      status: isSent ? answer.status : 0,
    })
  }

  /** A request that gets no answer and has no effect. */
  async #endEarly(request: IncomingMessage, line: Line, fault: EarlyEnd, note?: UploadNote): Promise<void> {
    if (fault.at === 'while-reading') {
      const untilBytes = Number(request.headers['content-length'] ?? 0) / 2
      const { wireBytes } = await readBody(request, { bytesMax: 0, untilBytes, signal: line.signal })
      note?.read(wireBytes)
    }
    if (fault.type === 'reset') reset(line)
  }

  #read(request: IncomingMessage, { signal }: Line, fault: AzureFault | undefined, bytesMax: number): Promise<Body> {
    return readBody(request, { bytesMax, signal, everyMs: fault?.type === 'slow-request' ? fault.everyMs : undefined })
  }

  #complete(answer: Answer, request: IncomingMessage, requestId: string): Answer {
    const clientRequestId = headerOf(request, 'x-ms-client-request-id')
    const echo = clientRequestId === undefined ? {} : { 'x-ms-client-request-id': clientRequestId }
    const date = new Date(this.#parts.nowMs()).toUTCString()
    // A page of something in between has nothing of Azure's.
    if (/^text\/html/.test(answer.headers['content-type'] ?? ''))
      return { ...answer, headers: { ...answer.headers, date } }
    return { ...answer, headers: { ...answer.headers, ...echo, 'x-ms-request-id': requestId, date } }
  }
}

function readHead(request: IncomingMessage, url: URL, [, ruleId = '', stream = '']: readonly string[]): UploadHead {
  return {
    requestId: randomUUID(),
    clientRequestId: headerOf(request, 'x-ms-client-request-id'),
    ruleId,
    stream,
    // Keys may come percent-encoded: Microsoft's own client writes `api%2Dversion`.
    apiVersion: url.searchParams.get('api-version') ?? undefined,
    authorization: headerOf(request, 'authorization'),
    contentType: headerOf(request, 'content-type'),
    encoding: headerOf(request, 'content-encoding')?.toLowerCase() ?? 'identity',
  }
}

type EarlyEnd = Extract<AzureFault, { readonly type: 'reset' | 'hang' }>

function endsEarly(fault: AzureFault | undefined): fault is EarlyEnd {
  return (fault?.type === 'reset' || fault?.type === 'hang') && fault.at !== 'after-storing'
}

function proofOf(form: Form): 'secret' | 'assertion' | 'none' {
  if (form.client_assertion !== undefined) return 'assertion'
  return form.client_secret === undefined ? 'none' : 'secret'
}

function headerOf(request: IncomingMessage, name: string): string | undefined {
  const value = request.headers[name]
  return typeof value === 'string' ? value : value?.[0]
}
