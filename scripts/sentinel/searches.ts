/** Functions and hunting queries: both are saved searches of the workspace. */
import { tableIds } from './collection.ts'
import type { Content } from './content.ts'

export function functionResources(functions: Content['functions']): readonly object[] {
  return functions.map(({ id, name, title, query }) => ({
    ...savedSearch(id),
    properties: {
      eTag: '*',
      category: 'Microsoft Sentinel Parser',
      displayName: title,
      functionAlias: name,
      functionParameters: '',
      version: 2,
      query,
    },
    dependsOn: tableIds(),
  }))
}

export function huntingResources({ hunting, functions }: Content): readonly object[] {
  return hunting.map(({ id, name, description, tactics, techniques, query }) => ({
    ...savedSearch(id),
    properties: {
      eTag: '*',
      category: 'Hunting Queries',
      displayName: name,
      version: 2,
      query,
      tags: [
        { name: 'description', value: description },
        { name: 'tactics', value: tactics.join(',') },
        { name: 'techniques', value: techniques.join(',') },
      ],
    },
    dependsOn: savedSearchIds(functions),
  }))
}

function savedSearch(id: string): object {
  return {
    type: 'Microsoft.OperationalInsights/workspaces/savedSearches',
    apiVersion: '2020-08-01',
    name: `[format('{0}/${id}', parameters('workspaceName'))]`,
  }
}

export function savedSearchIds(of: readonly { readonly id: string }[]): readonly string[] {
  return of.map(
    ({ id }) =>
      `[resourceId('Microsoft.OperationalInsights/workspaces/savedSearches', parameters('workspaceName'), '${id}')]`,
  )
}
