/** Where the portal is mounted: everything is addressed from here, so that it works under any path prefix. */

/** `/`, or `/siem/` with `portal.path: /siem`. This file is served as `<root>assets/lib/root.ts`. */
export const root: string = new URL('../../', import.meta.url).pathname
export const apiRoot: string = `${root}api/v1`

/** A page of the documentation, which the portal has with it. */
export function docsUrl(page: string): string {
  return `${root}help/${page.replace(/^\/?(docs\/)?/, '')}`
}
