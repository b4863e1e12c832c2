/** The pages: files of `web/`, read once at the start. TypeScript loses its types and is served as JavaScript; libraries are served as
 *  their packages hold them. An import map would have to stand in the page, which the Content-Security-Policy forbids: bare names
 *  become relative addresses here instead. */
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { createRequire, stripTypeScriptTypes } from 'node:module'
import { dirname, extname, join, posix, relative, sep } from 'node:path'
import { gzipSync } from 'node:zlib'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'

interface Asset {
  readonly type: string
  readonly plain: Encoded
  /** Where it is smaller. */
  readonly gzip: Encoded | undefined
}

interface Encoded {
  readonly bytes: Buffer
  readonly etag: string
}

/** By path below the portal's own: '' is the page, the rest is `assets/…`. */
export type Assets = ReadonlyMap<string, Asset>

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
  '.woff2': 'font/woff2',
  '.json': 'application/json',
  '.md': 'text/plain; charset=utf-8',
}

/** Libraries of the pages: the name in imports, the file of the package, the name in `assets/vendor/`. */
const vendor: readonly (readonly [name: string, file: string, as: string])[] = [
  ['preact', 'preact/dist/preact.mjs', 'preact.js'],
  ['preact/hooks', 'preact/hooks/dist/hooks.mjs', 'preact-hooks.js'],
  ['htm', 'htm/dist/htm.mjs', 'htm.js'],
  ['htm/preact', 'htm/preact/index.mjs', 'htm-preact.js'],
  ['uplot', 'uplot/dist/uPlot.esm.js', 'uplot.js'],
]
const vendorStyles: readonly (readonly [file: string, as: string])[] = [['uplot/dist/uPlot.min.css', 'uplot.css']]

/**
 * @param directory of the pages' sources.
 * @param root the portal's own path, such as `/siem/`; it stands for `{{root}}` in the page.
 */
export function loadAssets(directory: string, root: string): Assets {
  const assets = new Map<string, Asset>()
  const add = (path: string, content: Buffer | string): void => {
    assets.set(path, assetOf(extname(path) === '' ? '.html' : extname(path), Buffer.from(content)))
  }
  for (const [, file, as] of vendor)
    add(`assets/vendor/${as}`, withRelativeImports(readPackageFile(file), `vendor/${as}`))
  for (const [file, as] of vendorStyles) add(`assets/vendor/${as}`, readPackageFile(file))
  for (const file of filesOf(directory)) {
    const content = readFileSync(join(directory, file))
    if (file === 'index.html') add('', pageOf(content.toString('utf8'), root))
    else if (file.endsWith('.ts')) add(`assets/${scriptName(file)}`, scriptOf(content.toString('utf8'), file))
    else if (types[extname(file)] !== undefined) add(`assets/${file}`, content)
  }
  return assets
}

/** Pages of the documentation, for the portal to show also where nobody reaches the internet. Pictures stay out: they would fill the
 *  memory. */
export function loadDocs(directory: string): Assets {
  const pages = filesOf(directory).filter((file) => file.endsWith('.md'))
  return new Map(pages.map((file) => [`docs/${file}`, assetOf('.md', readFileSync(join(directory, file)))]))
}

/** Tests and declarations stay out. */
function filesOf(directory: string): readonly string[] {
  if (!existsSync(directory)) return []
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(directory, join(entry.parentPath, entry.name)).split(sep).join('/'))
    .filter((file) => !/\.(test|d)\.ts$/.test(file) && !/(^|\/)(testing|node_modules)\//.test(file))
}

function pageOf(text: string, root: string): string {
  return text.replaceAll('{{root}}', root).replace(/(assets\/[^"']+)\.ts(?=["'])/g, '$1.js')
}

function scriptName(file: string): string {
  return file.replace(/\.ts$/, '.js')
}

function scriptOf(text: string, file: string): string {
  return withRelativeImports(stripTypeScriptTypes(text, { mode: 'strip' }), file)
}

/** A static or dynamic import, with the name of its module. */
const importPattern = /(\bfrom\s*|\bimport\s*\(\s*|\bimport\s*)(["'])([^"'\n]+)\2/g

function withRelativeImports(text: string, file: string): string {
  return text.replace(importPattern, (whole, before: string, quote: string, name: string) => {
    if (name.startsWith('.')) return `${before}${quote}${scriptName(name)}${quote}`
    const found = vendor.find(([bare]) => bare === name)
    // Text that only looks like an import is left alone; a real one of an unknown package fails in the page's own tests.
    if (found === undefined) return whole
    const path = posix.relative(dirname(file), `vendor/${found[2]}`)
    return `${before}${quote}${path.startsWith('.') ? path : `./${path}`}${quote}`
  })
}

function readPackageFile(file: string): string {
  const [name = ''] = file.split('/')
  const require = createRequire(import.meta.url)
  // The entry point stands somewhere below the package's folder, whose name is the package's.
  const entry = require.resolve(name)
  const root = entry.slice(0, entry.lastIndexOf(`${sep}node_modules${sep}${name}${sep}`))
  return readFileSync(join(root, 'node_modules', ...file.split('/')), 'utf8').replace(
    /^\/\/# sourceMappingURL=.*$/m,
    '',
  )
}

function assetOf(extension: string, bytes: Buffer): Asset {
  const packed = gzipSync(bytes, { level: 9 })
  const digest = createHash('sha256').update(bytes).digest('base64url').slice(0, 27)
  return {
    type: types[extension] ?? 'application/octet-stream',
    plain: { bytes, etag: `"${digest}"` },
    gzip: packed.length < bytes.length * 0.9 ? { bytes: packed, etag: `"${digest}-gzip"` } : undefined,
  }
}

/** Every file by its own route: no path of a request ever becomes one of the file system. */
export function serveAssets(server: FastifyInstance, assets: Assets): void {
  for (const [path, asset] of assets)
    server.route({
      method: 'GET',
      url: `/${path}`,
      // The page below a prefix ends with a slash; without it, it is redirected there.
      prefixTrailingSlash: 'slash',
      handler: (request, reply) => sendAsset(asset, request, reply),
    })
}

/**
 * The page for a path that only the page knows, such as `/agents/new`.
 * @returns undefined where something else was asked for.
 */
export function pageFor(request: FastifyRequest, assets: Assets, root: string): Asset | undefined {
  const { method, url, headers } = request
  if (method !== 'GET' || !url.startsWith(root) || /^(api|agent|assets|docs)\//.test(url.slice(root.length)))
    return undefined
  return String(headers.accept ?? '').includes('text/html') ? assets.get('') : undefined
}

export function sendAsset({ type, plain, gzip }: Asset, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const isPacked = gzip !== undefined && /\bgzip\b/.test(String(request.headers['accept-encoding'] ?? ''))
  const { bytes, etag } = isPacked ? gzip : plain
  // Asked again at every visit: a new version is seen at once.
  reply.header('etag', etag).header('cache-control', 'no-cache').header('vary', 'accept-encoding')
  const known = String(request.headers['if-none-match'] ?? '').split(/\s*,\s*/)
  if (known.includes(etag)) return reply.code(304).send()
  if (isPacked) reply.header('content-encoding', 'gzip')
  return reply.type(type).send(bytes)
}
