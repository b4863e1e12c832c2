/** Server-sent events, read as a browser reads them. */

export interface Events extends Disposable {
  /** What came so far, oldest first. */
  readonly records: readonly TappedRecord[]
}

interface TappedRecord {
  readonly topic: string
  readonly key: string
  readonly headers: Readonly<Record<string, string>>
  readonly value: string
}

/** Resolves with the event that says it has begun. @throws when it is refused, or ends first. */
export async function openEvents(url: string, cookie: string): Promise<Events> {
  const leaving = new AbortController()
  const answer = await fetch(url, { headers: { cookie }, signal: leaving.signal })
  if (!answer.ok || answer.body === null) throw new Error(`${url}: ${answer.status} ${await answer.text()}`)
  const records: TappedRecord[] = []
  const started = Promise.withResolvers<void>()
  const read = async (body: AsyncIterable<Uint8Array>): Promise<void> => {
    const decoder = new TextDecoder()
    let text = ''
    for await (const chunk of body) {
      const events = `${text}${decoder.decode(chunk, { stream: true })}`.split('\n\n')
      text = events.pop() ?? ''
      for (const event of events) {
        const [, name, data = ''] = /^event: (\S+)\ndata: (.*)$/.exec(event) ?? []
        if (name === 'started') started.resolve()
        if (name === 'record') records.push(JSON.parse(data) as TappedRecord)
      }
    }
  }
  // Left by the test, or by the relay when it ends.
  void read(answer.body).then(
    () => started.reject(new Error(`${url} ended`)),
    (error) => started.reject(error),
  )
  await started.promise
  return { records, [Symbol.dispose]: () => leaving.abort() }
}
