/** `npm run lockfile`: names the platform packages that package-lock.json lacks. npm leaves out optional packages which the registry in
 *  use does not offer (mirrors often carry one platform), and then `npm ci` refuses the file. test/tidy.test.ts asks for the same. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

interface LockedPackage {
  version?: string
  dev?: boolean
  optional?: boolean
  os?: readonly string[]
  cpu?: readonly string[]
  libc?: readonly string[]
  optionalDependencies?: Readonly<Record<string, string>>
}

export interface Lockfile {
  packages: Record<string, LockedPackage>
}

/** Entries of the lockfile that optional dependencies ask for and that are not there, by path. */
export function missingPlatformPackages({ packages }: Lockfile): ReadonlyMap<string, LockedPackage> {
  const missing = new Map<string, LockedPackage>()
  for (const locked of Object.values(packages))
    for (const [name, range] of Object.entries(locked.optionalDependencies ?? {})) {
      const path = `node_modules/${name}`
      if (packages[path] !== undefined) continue
      missing.set(path, {
        version: range.replace(/^[\^~]/, ''),
        ...platformOf(name),
        ...(locked.dev === true ? { dev: true } : {}),
        optional: true,
      })
    }
  return missing
}

/** Platform packages carry their platform in their name. */
function platformOf(name: string): Pick<LockedPackage, 'os' | 'cpu' | 'libc'> {
  const words = name.toLowerCase().split(/[^a-z0-9]+/)
  const pick = (values: Readonly<Record<string, string>>): readonly string[] =>
    words.flatMap((word) => values[word] ?? []).slice(0, 1)
  const os = pick({
    android: 'android',
    darwin: 'darwin',
    linux: 'linux',
    win32: 'win32',
    win: 'win32',
    freebsd: 'freebsd',
    openharmony: 'openharmony',
  })
  const cpu = pick({
    arm64: 'arm64',
    x64: 'x64',
    arm: 'arm',
    ia32: 'ia32',
    ppc64: 'ppc64',
    riscv64: 'riscv64',
    s390x: 's390x',
    loong64: 'loong64',
    wasm32: 'wasm32',
  })
  const libc =
    os[0] === 'linux'
      ? pick({ musl: 'musl', musleabihf: 'musl', gnu: 'glibc', gnueabihf: 'glibc', gnueabi: 'glibc' })
      : []
  return { ...(cpu.length > 0 ? { cpu } : {}), ...(os.length > 0 ? { os } : {}), ...(libc.length > 0 ? { libc } : {}) }
}

if (import.meta.main) {
  const path = join(import.meta.dirname, '..', 'package-lock.json')
  const lockfile = JSON.parse(readFileSync(path, 'utf8')) as Lockfile
  const missing = missingPlatformPackages(lockfile)
  const { '': rootPackage = {}, ...others } = { ...lockfile.packages, ...Object.fromEntries(missing) }
  const sorted = Object.fromEntries(
    Object.entries(others).toSorted(([left], [right]) => left.localeCompare(right, 'en')),
  )
  writeFileSync(path, `${JSON.stringify({ ...lockfile, packages: { '': rootPackage, ...sorted } }, null, 2)}\n`)
  process.stdout.write(`${missing.size} platform packages added to package-lock.json\n`)
}
