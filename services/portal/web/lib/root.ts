/** Where the portal is mounted: everything is addressed from here, so that it works under any path prefix. */

/** `/`, or `/siem/` with `portal.path: /siem`. This file is served as `<root>assets/lib/root.ts`. */
export const root: string = new URL('../../', import.meta.url).pathname
export const apiRoot: string = `${root}api/v1`

/** Pages of the documentation, as they are published with the source. */
export function docsUrl(page: string): string {
  return `${root}docs/${page.replace(/^\/?(docs\/)?/, '')}`
}
