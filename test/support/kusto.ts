/** Microsoft's parser and binder of KQL, on tables and functions of our choice: every name of a query has to mean something there. */
import '@kusto/language-service-next/bridge.js'
import '@kusto/language-service-next/Kusto.Language.Bridge.js'

/** What of the library, which is C# compiled to JavaScript, is used here. */
interface Library {
  readonly GlobalState: { readonly Default: Globals }
  readonly KustoCode: { ParseAndAnalyze(text: string, globals: Globals): Code }
  readonly Symbols: {
    readonly ColumnSymbol: { new (name: string, type: object): object }
    readonly ScalarTypes: { GetSymbol(name: string): object }
    readonly TableSymbol: { readonly $ctor4: new (name: string, columns: readonly object[]) => object }
    readonly FunctionSymbol: {
      readonly $ctor12: new (name: string, body: string, tabularity: number, parameters: readonly object[]) => object
    }
    readonly DatabaseSymbol: { readonly ctor: new (name: string, members: readonly object[]) => object }
    readonly Tabularity: { readonly Tabular: number }
  }
}
interface Globals {
  WithDatabase(database: object): Globals
}
interface Code {
  readonly ResultType: { readonly Columns?: List<{ readonly Name: string }> } | null
  GetDiagnostics(): List<Diagnostic>
}
interface List<Item> {
  readonly Count: number
  getItem(index: number): Item
}
interface Diagnostic {
  readonly Severity: string
  readonly Message: string
  readonly Start: number
}

const { Language: kusto } = (globalThis as unknown as { readonly Kusto: { readonly Language: Library } }).Kusto

export interface Kusto {
  /** Errors and warnings, each with its line and the text it is about. */
  problemsOf(query: string): readonly string[]
  columnsOf(query: string): readonly string[]
}

export function kustoWith(
  tables: Readonly<Record<string, Readonly<Record<string, string>>>>,
  functions: Readonly<Record<string, string>>,
): Kusto {
  const { Symbols: symbols } = kusto
  const members = [
    ...Object.entries(tables).map(
      ([name, columns]) =>
        new symbols.TableSymbol.$ctor4(
          name,
          Object.entries(columns).map(
            ([column, type]) => new symbols.ColumnSymbol(column, symbols.ScalarTypes.GetSymbol(type)),
          ),
        ),
    ),
    ...Object.entries(functions).map(
      ([name, body]) => new symbols.FunctionSymbol.$ctor12(name, `{ ${body}\n}`, symbols.Tabularity.Tabular, []),
    ),
  ]
  const globals = kusto.GlobalState.Default.WithDatabase(new symbols.DatabaseSymbol.ctor('workspace', members))
  const known = new Map<string, Code>()
  const read = (query: string): Code => {
    const code = known.get(query) ?? kusto.KustoCode.ParseAndAnalyze(query, globals)
    known.set(query, code)
    return code
  }
  return {
    problemsOf: (query) =>
      items(read(query).GetDiagnostics())
        .filter(({ Severity }) => Severity === 'Error' || Severity === 'Warning')
        .map(({ Message, Start }) => {
          const before = query.slice(0, Start)
          return `line ${before.split('\n').length}, at ${JSON.stringify(query.slice(Start, Start + 30))}: ${Message}`
        }),
    columnsOf: (query) =>
      items(read(query).ResultType?.Columns ?? { Count: 0, getItem: () => ({ Name: '' }) }).map(({ Name }) => Name),
  }
}

function items<Item>(list: List<Item>): readonly Item[] {
  return Array.from({ length: list.Count }, (_, index) => list.getItem(index))
}
