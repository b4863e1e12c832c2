/** Facts about the tree itself: which room may import what, and names that have a better word. Each check asserts that it saw files. */
import { readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { describe, expect, test } from 'vitest'
import { type Lockfile, missingPlatformPackages } from '../scripts/lockfile.ts'

const root = join(import.meta.dirname, '..')

interface SourceFile {
  readonly path: string
  readonly text: string
  readonly imports: readonly string[]
}

function sources(folder: string): readonly SourceFile[] {
  const files = readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts') && !entry.parentPath.includes('node_modules'))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)).replaceAll('\\', '/'))
  expect(files.length, `${folder} holds no source files: this check would check nothing`).toBeGreaterThan(0)
  return files.map((path) => {
    const text = readFileSync(join(root, path), 'utf8')
    const imports = [
      ...text.matchAll(/^(?:import|export)\b[^'"`;=]*?\bfrom\s+'([^']+)'|^import\s+'([^']+)'|\bimport\(\s*'([^']+)'/gm),
    ].map((match) => match[1] ?? match[2] ?? match[3] ?? '')
    return { path, text, imports }
  })
}

const isTest = (file: SourceFile): boolean => /\.test\.ts$|\/testing\/|\/conformance/.test(file.path)
const product = (folder: string): readonly SourceFile[] => sources(folder).filter((file) => !isTest(file))

/** `path -> import` for every import that no pattern allows. Relative imports stay inside their package. */
function strayImports(folder: string, allowed: readonly (string | RegExp)[]): readonly string[] {
  return product(folder).flatMap((file) =>
    file.imports
      .filter(
        (name) =>
          !allowed.some((pattern) => (typeof pattern === 'string' ? name === pattern : pattern.test(name))) &&
          !isInside(folder, file.path, name),
      )
      .map((name) => `${file.path} -> ${name}`),
  )
}

function isInside(folder: string, path: string, name: string): boolean {
  return name.startsWith('.') && !relative(join(root, folder), join(root, path, '..', name)).startsWith('..')
}

describe('rooms', () => {
  test('packages/common computes and touches nothing', () => {
    expect(strayImports('packages/common', ['zod', 'node:buffer', 'node:crypto'])).toEqual([])
    const reaching = product('packages/common').filter((file) =>
      /\b(Date\.now|Math\.random|process\.env|setTimeout|setInterval|console\.)/.test(
        file.text.replace(/^\s*(\*|\/\/|\/\*).*$/gm, ''),
      ),
    )
    expect(reaching.map((file) => file.path)).toEqual([])
  })

  test('packages/bus knows no vendor, no CEF, no syslog', () => {
    expect(strayImports('packages/bus', [/^node:/, '@siem-relay/common', /^kafkajs(\/|$)/])).toEqual([])
    expect(
      product('packages/bus')
        .filter((file) => /\b(CEF|syslog|Defender)\b/.test(file.text))
        .map((file) => file.path),
    ).toEqual([])
  })

  test('packages/delivery knows no destination, packages/http nobody it is for', () => {
    const kit = ['@siem-relay/bus', '@siem-relay/common', '@siem-relay/service-kit']
    expect(strayImports('packages/delivery', kit)).toEqual([])
    expect(strayImports('packages/http', [/^node:/, '@siem-relay/common', 'undici'])).toEqual([])
    expect(
      [...product('packages/delivery'), ...product('packages/http')]
        .filter((file) => /\b(CEF|RFC 5424|Logs Ingestion|Graph)\b/.test(file.text))
        .map((file) => file.path),
    ).toEqual([])
  })

  test('packages/control asks the log alone', () => {
    const allowed = [/^node:crypto$/, '@siem-relay/bus', '@siem-relay/common', '@siem-relay/service-kit', 'zod']
    expect(strayImports('packages/control', allowed)).toEqual([])
  })

  test('packages/service-kit knows no service and no vendor', () => {
    expect(
      strayImports('packages/service-kit', [
        /^node:/,
        '@siem-relay/common',
        '@siem-relay/bus',
        'pino',
        'prom-client',
        'fastify',
        'yaml',
        'zod',
      ]),
    ).toEqual([])
  })

  test('packages/simulator stands alone', () => {
    expect(strayImports('packages/simulator', [/^node:/, 'fastify'])).toEqual([])
  })

  test.each(['collector', 'formatter', 'syslog-sender', 'sentinel-sender'])(
    'services/%s imports no other service, no environment, no exit',
    (name) => {
      expect(
        strayImports(`services/${name}`, [
          /^node:/,
          '@siem-relay/common',
          '@siem-relay/bus',
          '@siem-relay/service-kit',
          'zod',
          ...(name.endsWith('-sender') ? ['@siem-relay/delivery'] : []),
          ...(name === 'collector' || name === 'sentinel-sender' ? ['@siem-relay/http', 'undici'] : []),
          ...(name === 'sentinel-sender' ? ['@azure/identity'] : []),
        ]),
      ).toEqual([])
      expect(
        product(`services/${name}`)
          .filter((file) => /process\.(env|exit|argv)/.test(file.text))
          .map((file) => file.path),
      ).toEqual([])
    },
  )

  test('services/portal imports no other service, no environment, no exit', () => {
    expect(
      strayImports('services/portal', [
        /^node:/,
        /^@siem-relay\/(common|bus|control|delivery|http|service-kit)$/,
        /^(fastify|@fastify\/cookie|openid-client|undici|zod)$/,
        /^(preact|preact\/hooks|htm|htm\/preact|uplot)$/,
      ]),
    ).toEqual([])
    expect(
      product('services/portal')
        .filter((file) => /process\.(env|exit|argv)/.test(file.text))
        .map((file) => file.path),
    ).toEqual([])
  })

  test('pages put texts into text nodes alone, styles and scripts into files', () => {
    const pages = product('services/portal/web')
    expect(
      pages
        .filter(({ text }) =>
          /innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|\sstyle=/.test(text),
        )
        .map(({ path }) => path),
    ).toEqual([])
    expect(
      strayImports('services/portal/web', [
        /^(preact|preact\/hooks|htm\/preact|uplot)$/,
        /^\.\.\/\.\.\/src\/contract\//,
      ]),
    ).toEqual([])
  })

  test('no service knows which bus it got', () => {
    expect(
      product('services')
        // The portal keeps accounts and views in files of its own.
        .filter(({ path, text }) => (path.startsWith('services/portal/') ? /openSqliteBus/ : /sqlite/i).test(text))
        .map((file) => file.path),
    ).toEqual([])
  })

  test('only app imports services', () => {
    const services = /^@siem-relay\/(collector|formatter|syslog-sender|sentinel-sender|portal)$/
    for (const folder of ['packages', 'services']) {
      const importing = product(folder).filter((file) => file.imports.some((name) => services.test(name)))
      expect(importing.map((file) => file.path)).toEqual([])
    }
  })
})

describe('names', () => {
  const banned: readonly (readonly [RegExp, string])[] = [
    [/\bpayload\s*[:=(?]/i, 'record, event or message'],
    [/\b(TODO|FIXME|XXX)\b/, 'an issue'],
    [/\btest\.(skip|only|todo)\b|\bdescribe\.(skip|only)\b/, 'a test that runs'],
    [/\bpid:\s*number.*syslog/, 'procId'],
  ]
  test('words with a better one are not used', () => {
    const found = ['packages', 'services', 'app'].flatMap((folder) =>
      product(folder).flatMap((file) =>
        banned
          .filter(([pattern]) => pattern.test(file.text))
          .map(([pattern, instead]) => `${file.path}: ${pattern} → ${instead}`),
      ),
    )
    expect(found).toEqual([])
  })

  test('every source file opens by saying what it is for', () => {
    const silent = ['packages', 'services', 'app'].flatMap((folder) =>
      product(folder)
        .filter((file) => !file.path.endsWith('/index.ts') && !/^(#!.*\n)?\/\*\*/.test(file.text))
        .map((file) => file.path),
    )
    expect(silent).toEqual([])
  })
})

test('package-lock.json names every platform package, so that npm ci takes it everywhere (npm run lockfile adds them)', () => {
  const lockfile = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as Lockfile
  expect(Object.keys(lockfile.packages).length).toBeGreaterThan(100)
  expect([...missingPlatformPackages(lockfile).keys()]).toEqual([])
})
