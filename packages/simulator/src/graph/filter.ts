/** OData's `$filter` as far as alerts_v2 is asked with it: comparisons joined by `and`, `or` and parentheses (OData 4.01, URL
 *  conventions §5.1.1). Pure.
 *
 *    or = and *( " or " and )    and = term *( " and " term )    term = "(" or ")" / field " " op " " literal
 *    op = eq / ne / gt / ge / lt / le    literal = 'text' / date-time / null */

type Test = (record: Readonly<Record<string, unknown>>) => boolean

/** Properties alerts_v2 can be filtered by (Graph's reference, "List alerts_v2"). */
const dateFields: ReadonlySet<string> = new Set(['createdDateTime', 'lastUpdateDateTime'])
const textFields: ReadonlySet<string> = new Set([
  'assignedTo',
  'classification',
  'determination',
  'severity',
  'serviceSource',
  'status',
])

const tokenPattern = /\s*(?:([()])|'((?:[^']|'')*)'|([A-Za-z0-9_.:+-]+))\s*/y

/** @returns whether a record passes, or why the text is no filter. */
export function readGraphFilter(text: string): Test | string {
  try {
    return new Parser(text).whole()
  } catch (error) {
    if (error instanceof SyntaxError) return error.message
    throw error
  }
}

interface Token {
  readonly type: 'bracket' | 'text' | 'word'
  readonly value: string
}

class Parser {
  readonly #tokens: readonly Token[]
  #at = 0

  constructor(text: string) {
    this.#tokens = tokensOf(text)
  }

  whole(): Test {
    const test = this.#or()
    if (this.#at < this.#tokens.length)
      throw new SyntaxError(`Invalid filter clause: syntax error at '${this.#peek()}'.`)
    return test
  }

  #or(): Test {
    const tests = [this.#and()]
    while (this.#takes('or')) tests.push(this.#and())
    return (record) => tests.some((test) => test(record))
  }

  #and(): Test {
    const tests = [this.#term()]
    while (this.#takes('and')) tests.push(this.#term())
    return (record) => tests.every((test) => test(record))
  }

  #term(): Test {
    if (this.#takes('(')) {
      const test = this.#or()
      if (!this.#takes(')')) throw new SyntaxError('Invalid filter clause: a bracket is not closed.')
      return test
    }
    const field = this.#next('word')
    const operator = this.#next('word')
    if (dateFields.has(field)) return compareDates(field, operator, this.#next('word'))
    if (textFields.has(field)) return compareTexts(field, operator, this.#next('text'))
    throw new SyntaxError(`Invalid filter clause: property '${field}' cannot be filtered by.`)
  }

  #takes(value: string): boolean {
    const token = this.#tokens[this.#at]
    if (token?.value !== value || token.type === 'text') return false
    this.#at += 1
    return true
  }

  #next(type: Token['type']): string {
    const token = this.#tokens[this.#at]
    if (token?.type !== type) throw new SyntaxError(`Invalid filter clause: syntax error at '${this.#peek()}'.`)
    this.#at += 1
    return token.value
  }

  #peek(): string {
    return this.#tokens[this.#at]?.value ?? 'the end'
  }
}

function tokensOf(text: string): readonly Token[] {
  const tokens: Token[] = []
  tokenPattern.lastIndex = 0
  while (tokenPattern.lastIndex < text.length) {
    const match = tokenPattern.exec(text)
    if (match === null) throw new SyntaxError('Invalid filter clause: an unknown character.')
    const [, bracket, quoted, word] = match
    if (bracket !== undefined) tokens.push({ type: 'bracket', value: bracket })
    else if (quoted !== undefined) tokens.push({ type: 'text', value: quoted.replaceAll("''", "'") })
    else tokens.push({ type: 'word', value: word ?? '' })
  }
  return tokens
}

function compareDates(field: string, operator: string, literal: string): Test {
  const value = sortable(literal)
  if (value === undefined) throw new SyntaxError(`Invalid filter clause: '${literal}' is no date.`)
  const passes = comparison(operator)
  return (record) => {
    const own = sortable(record[field])
    return own !== undefined && passes(own < value ? -1 : own > value ? 1 : 0)
  }
}

function compareTexts(field: string, operator: string, value: string): Test {
  if (operator !== 'eq' && operator !== 'ne')
    throw new SyntaxError(`Invalid filter clause: '${operator}' does not go with '${field}'.`)
  return (record) => (record[field] === value) === (operator === 'eq')
}

function comparison(operator: string): (order: number) => boolean {
  switch (operator) {
    case 'eq':
      return (order) => order === 0
    case 'ne':
      return (order) => order !== 0
    case 'gt':
      return (order) => order > 0
    case 'ge':
      return (order) => order >= 0
    case 'lt':
      return (order) => order < 0
    case 'le':
      return (order) => order <= 0
    default:
      throw new SyntaxError(`Invalid filter clause: unknown operator '${operator}'.`)
  }
}

/** Text that sorts as the times do, down to 100 ns. */
function sortable(value: unknown): string | undefined {
  const [, second, digits = ''] = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,7}))?Z$/.exec(String(value)) ?? []
  return second === undefined ? undefined : `${second}.${digits.padEnd(7, '0')}`
}
