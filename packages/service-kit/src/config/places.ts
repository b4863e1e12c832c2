/** Where a value of the configuration comes from: a line of the file, a variable of the environment, or nowhere (a default). */
import { formatPath, type Path } from './path.ts'
import type { Position, YamlSource } from './yaml-source.ts'

export type Place =
  | { readonly kind: 'file'; readonly position: Position }
  | { readonly kind: 'variable'; readonly name: string }
  | { readonly kind: 'none' }

export interface Places {
  /** Where to point a person to: the place itself, else the nearest one around it. */
  nearest(path: Path, at: 'key' | 'value'): Place
  /** Where this value was written, if it was. */
  exact(path: Path): Place
}

export interface PlacesInput {
  readonly source: YamlSource
  readonly variables: ReadonlyMap<string, string>
  /** Secrets read from files: formatted path of the secret → path of its `xFile` setting. */
  readonly movedFrom: ReadonlyMap<string, Path>
}

export function createPlaces({ source, variables, movedFrom }: PlacesInput): Places {
  function ownPlace(path: Path, at: 'key' | 'value'): Place | undefined {
    const text = formatPath(movedFrom.get(formatPath(path)) ?? path)
    const name = variables.get(text)
    if (name !== undefined) return { kind: 'variable', name }
    const [first, second] =
      at === 'key' ? [source.keyPositions, source.valuePositions] : [source.valuePositions, source.keyPositions]
    const position = first.get(text) ?? second.get(text)
    return position === undefined ? undefined : { kind: 'file', position }
  }

  /** A section that only the environment made is known by any variable inside it. */
  function variableInside(path: Path): Place | undefined {
    const text = formatPath(path)
    for (const [variablePath, name] of variables)
      if (text === '' || (variablePath.startsWith(text) && /^[.[]/.test(variablePath.slice(text.length))))
        return { kind: 'variable', name }
    return undefined
  }

  return {
    nearest(path, at) {
      const own = ownPlace(path, at)
      if (own !== undefined) return own
      for (let length = path.length - 1; length > 0; length--) {
        const around = path.slice(0, length)
        const place = ownPlace(around, 'key') ?? variableInside(around)
        if (place !== undefined) return place
      }
      // A missing section: the file as a whole, where there is one.
      return source.value === undefined ? (variableInside([]) ?? { kind: 'none' }) : fileStart
    },
    exact(path) {
      for (let length = path.length; length > 0; length--) {
        const text = formatPath(movedFrom.get(formatPath(path.slice(0, length))) ?? path.slice(0, length))
        const name = variables.get(text)
        if (name !== undefined) return { kind: 'variable', name }
      }
      return ownPlace(path, 'value') ?? { kind: 'none' }
    },
  }
}

const fileStart: Place = { kind: 'file', position: { line: 1, column: 1 } }
