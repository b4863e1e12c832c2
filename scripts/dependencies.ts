/** What runs in production that others keep: every package of package-lock.json that is not for development, with its licence. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

interface LockedPackage {
  readonly version?: string
  readonly license?: string
  readonly dev?: boolean
  readonly optional?: boolean
  readonly link?: boolean
  readonly dependencies?: Readonly<Record<string, string>>
}

export interface Dependency {
  readonly name: string
  readonly version: string
  /** SPDX expression. */
  readonly license: string
  /** Our packages that ask for it; none: others ask for it. */
  readonly askedBy: readonly string[]
}

/** By name; optional packages are left out: they carry Node for one platform each. */
export function productionDependencies(root: string): readonly Dependency[] {
  const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as {
    packages: Readonly<Record<string, LockedPackage>>
  }
  const ours = Object.entries(packages).filter(([path]) => path !== '' && !path.includes('node_modules/'))
  return Object.entries(packages)
    .filter(
      ([path, { dev, optional, link }]) =>
        path.includes('node_modules/') && dev !== true && optional !== true && link !== true,
    )
    .map(([path, { version = '', license = 'unknown' }]) => {
      const name = path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length)
      const askedBy = ours.filter(([, { dependencies = {} }]) => dependencies[name] !== undefined).map(([from]) => from)
      return { name, version, license, askedBy }
    })
    .toSorted((left, right) => (left.name < right.name ? -1 : 1))
}
