/** Files of deploy/sentinel that are made from the declared schema and from deploy/sentinel/src, by path: `npm run docs` writes them. */
import { readContent } from './sentinel/content.ts'
import { powerQuery, workspaceParameter } from './sentinel/powerbi.ts'
import { solutionFiles } from './sentinel/solution.ts'
import { templateText } from './sentinel/template.ts'

export function sentinelTemplates(): ReadonlyMap<string, string> {
  const content = readContent()
  return new Map([
    ['deploy/sentinel/azuredeploy.json', templateText(content)],
    ...[...solutionFiles(content)].map(([path, text]) => [`deploy/sentinel/solution/${path}`, text] as const),
    ['deploy/sentinel/powerbi/WorkspaceId.pq', workspaceParameter],
    ...content.dashboard.map((query) => [`deploy/sentinel/powerbi/${query.name}.pq`, powerQuery(query)] as const),
  ])
}
