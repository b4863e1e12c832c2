/** The tenants of a list of sources, each once. */
export function tenantsOf(
  sources: readonly { readonly id: string; readonly tenant?: string | undefined }[],
): readonly string[] {
  return [...new Set(sources.map((source) => source.tenant ?? source.id))]
}
