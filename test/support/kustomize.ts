/** deploy/kubernetes as kubectl applies it. */
import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { parseYaml } from '../../packages/service-kit/src/config/yaml-source.ts'

const root = join(import.meta.dirname, '..', '..')
const tools = join(root, '.venv-kubernetes', 'bin')

export interface Manifest {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: { readonly name: string; readonly namespace?: string; readonly labels?: Labels }
  readonly [field: string]: unknown
}

export type Labels = Readonly<Record<string, string>>

/** @returns what a kustomization comes to. @throws with what kustomize says. */
export function render(path: string): string {
  const commands = [
    [join(tools, 'kustomize'), ['build', path]],
    ['kustomize', ['build', path]],
    ['kubectl', ['kustomize', path]],
  ] as const
  for (const [command, args] of commands) {
    if (command.startsWith('/') && !existsSync(command)) continue
    try {
      return execFileSync(command, args, { cwd: root, encoding: 'utf8', stdio: 'pipe' })
    } catch (error) {
      if ((error as { code?: string }).code !== 'ENOENT') throw error
    }
  }
  throw new Error('there is neither kustomize nor kubectl: run `bash scripts/kubernetes.sh`')
}

export function manifestsOf(text: string): readonly Manifest[] {
  return text.split(/^---$/m).map((document) => {
    const { value, problems } = parseYaml(document)
    if (problems.length > 0) throw new Error(JSON.stringify(problems))
    return value as Manifest
  })
}

/** What Kubernetes' own schemas say; unknown fields are errors. Kinds of operators are not among them. @throws with the errors. */
export function validateStrictly(file: string): string {
  return execFileSync(join(tools, 'kubernetes-validate'), ['--strict', file], { encoding: 'utf8', stdio: 'pipe' })
}
