/** deploy/kubernetes: valid by the schemas of Kubernetes and of the operators, references that lead somewhere, nothing that may be more
 *  than it has to, and in accord with the code it runs. Not applied to a cluster. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ScaledObject } from '@kubernetes-models/keda/keda.sh/v1alpha1'
import { PrometheusRule, ServiceMonitor } from '@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1'
import { outTopic, senderGroup } from '@siem-relay/common'
import { describe, expect, test } from 'vitest'
import { serviceNames } from '../../app/src/all-in-one.ts'
import { ruleGroups } from '../../scripts/prometheus-rule.ts'
import { runCommand } from '../support/command.ts'
import { type Labels, type Manifest, manifestsOf, render, validateStrictly } from '../support/kustomize.ts'
import { temporaryDirectory } from '../support/relay.ts'

interface Container {
  readonly args: readonly string[]
  readonly ports: readonly { readonly name: string; readonly containerPort: number }[]
  readonly volumeMounts: readonly { readonly name: string; readonly mountPath: string; readonly readOnly?: boolean }[]
  readonly securityContext: object
  readonly resources: object
  readonly livenessProbe: { readonly httpGet: object }
  readonly readinessProbe: { readonly httpGet: object }
  readonly env: readonly { readonly name: string; readonly value: string }[]
}

interface Pod {
  readonly metadata: { readonly labels: Labels }
  readonly spec: {
    readonly containers: readonly Container[]
    readonly volumes: readonly Readonly<Record<string, Readonly<Record<string, unknown>>>>[]
    readonly serviceAccountName: string
  }
}

interface Selector {
  readonly matchLabels?: Labels
  readonly matchExpressions?: readonly { readonly key: string; readonly operator: string; readonly values: string[] }[]
}

const kustomizations = {
  embedded: 'deploy/kubernetes/overlays/embedded',
  kafka: 'deploy/kubernetes/overlays/kafka',
  'kafka with components': 'test/kubernetes/with-everything',
} as const
const texts = Object.fromEntries(Object.entries(kustomizations).map(([name, path]) => [name, render(path)]))
const of = (name: keyof typeof kustomizations): readonly Manifest[] => manifestsOf(texts[name] ?? '')
const ofKind = <Spec>(manifests: readonly Manifest[], kind: string): readonly (Manifest & { readonly spec: Spec })[] =>
  manifests.filter((manifest) => manifest.kind === kind) as unknown as readonly (Manifest & { spec: Spec })[]
const deployments = (manifests: readonly Manifest[]) =>
  ofKind<{ replicas?: number; strategy: object; selector: Selector; template: Pod }>(manifests, 'Deployment')

function selects({ matchLabels = {}, matchExpressions = [] }: Selector, labels: Labels): boolean {
  return (
    Object.entries(matchLabels).every(([key, value]) => labels[key] === value) &&
    matchExpressions.every(({ key, operator, values }) => operator === 'In' && values.includes(labels[key] ?? ''))
  )
}

/** Of kinds that operators bring; their models know types, but let unknown fields by. */
const models: Readonly<Record<string, new (manifest: never) => { validate(): void }>> = {
  ScaledObject,
  ServiceMonitor,
  PrometheusRule,
}

describe.each(Object.keys(kustomizations) as (keyof typeof kustomizations)[])('%s', (name) => {
  const manifests = of(name)

  test('is valid by the schemas of Kubernetes, with no field they do not know', () => {
    using directory = temporaryDirectory()
    const file = join(directory.path, 'manifests.yaml')
    writeFileSync(
      file,
      manifests
        .filter(({ kind }) => models[kind] === undefined)
        .map((one) => JSON.stringify(one))
        .join('\n---\n'),
    )
    expect(validateStrictly(file)).not.toContain("Couldn't find schema")
  })

  test('is valid by the schemas of KEDA and the Prometheus Operator', () => {
    for (const manifest of manifests) {
      const Model = models[manifest.kind]
      if (Model !== undefined) new Model(manifest as never).validate()
    }
  })

  test('stands in one namespace, which holds pods to the restricted standard', () => {
    for (const { kind, metadata } of manifests)
      expect([kind, metadata.namespace ?? metadata.name]).toEqual([kind, 'siem-relay'])
    expect(ofKind(manifests, 'Namespace')[0]?.metadata.labels).toMatchObject({
      'pod-security.kubernetes.io/enforce': 'restricted',
    })
  })

  test.each(deployments(manifests).map((one) => [one.metadata.name, one] as const))(
    '%s: not root, nothing writable but what is named, no rights, probes, bounds',
    (deployment, { spec: { template, selector } }) => {
      const hasData = name === 'embedded' || deployment === 'siem-relay-portal'
      const { spec } = template
      expect(spec).toMatchObject({
        automountServiceAccountToken: false,
        enableServiceLinks: false,
        terminationGracePeriodSeconds: 20,
        securityContext: { runAsNonRoot: true, runAsUser: 1000, seccompProfile: { type: 'RuntimeDefault' } },
      })
      expect(spec.containers).toHaveLength(1)
      for (const container of spec.containers) {
        expect(container).toMatchObject({
          securityContext: {
            allowPrivilegeEscalation: false,
            readOnlyRootFilesystem: true,
            capabilities: { drop: ['ALL'] },
          },
          livenessProbe: { httpGet: { path: '/livez', port: 'metrics' } },
          readinessProbe: { httpGet: { path: '/readyz', port: 'metrics' } },
          resources: { limits: { memory: hasData ? '512Mi' : '384Mi' } },
          ports: [{ name: 'metrics', containerPort: 9464 }],
        })
        expect(container.env).toContainEqual({ name: 'SIEM_RELAY_ADMIN__LISTEN', value: '0.0.0.0:9464' })
        const writable = container.volumeMounts.filter(({ readOnly }) => readOnly !== true).map((one) => one.mountPath)
        expect(writable.toSorted()).toEqual(hasData ? ['/siem-relay/data', '/tmp'] : ['/tmp'])
      }
      expect(selects(selector, template.metadata.labels)).toBe(true)
    },
  )

  test('what pods name is there; the Secret is yours', () => {
    const there = new Set(manifests.map(({ kind, metadata }) => `${kind}/${metadata.name}`))
    for (const { spec } of deployments(manifests)) {
      expect(there).toContain(`ServiceAccount/${spec.template.spec.serviceAccountName}`)
      const { volumes, containers } = spec.template.spec
      const named = volumes.flatMap(({ configMap, persistentVolumeClaim, secret }) => [
        ...(configMap ? [`ConfigMap/${configMap.name}`] : []),
        ...(persistentVolumeClaim ? [`PersistentVolumeClaim/${persistentVolumeClaim.claimName}`] : []),
        ...(secret ? [`Secret/${secret.secretName}`] : []),
      ])
      expect(named.filter((one) => !there.has(one))).toEqual(['Secret/siem-relay'])
      expect(containers.flatMap(({ volumeMounts }) => volumeMounts.map((mount) => mount.name)).toSorted()).toEqual(
        volumes.map((volume) => String(volume.name)).toSorted(),
      )
    }
  })

  test('selectors meet: Prometheus reaches every pod, policies hold every pod, nobody has another’s pods', () => {
    const pods = deployments(manifests).map(({ spec }) => spec.template.metadata.labels)
    const [service] = ofKind<{ selector: Labels; ports: object[] }>(manifests, 'Service')
    expect(pods.filter((labels) => !selects({ matchLabels: service?.spec.selector ?? {} }, labels))).toEqual([])
    const policies = ofKind<{ podSelector: Selector; policyTypes: string[] }>(manifests, 'NetworkPolicy')
    const closing = policies.find(({ metadata }) => metadata.name === 'siem-relay')
    expect(closing?.spec.policyTypes).toEqual(['Ingress', 'Egress'])
    for (const labels of pods) expect(selects(closing?.spec.podSelector ?? {}, labels)).toBe(true)
    for (const { spec } of policies) expect(pods.some((labels) => selects(spec.podSelector, labels))).toBe(true)
    for (const { spec } of deployments(manifests))
      expect(pods.filter((labels) => selects(spec.selector, labels))).toHaveLength(1)
    for (const { spec } of ofKind<{ selector: Selector }>(manifests, 'PodDisruptionBudget'))
      expect(pods.filter((labels) => selects(spec.selector, labels))).toHaveLength(1)
    for (const { spec } of ofKind<{ selector: Selector }>(manifests, 'ServiceMonitor'))
      expect(selects(spec.selector, service?.metadata.labels ?? {})).toBe(true)
  })

  test('its configuration is one that `siem-relay validate` takes, with the secrets it names', async () => {
    using directory = temporaryDirectory()
    const [map] = manifests.filter(({ kind }) => kind === 'ConfigMap')
    const { 'siem-relay.yaml': text = '' } = (map?.data ?? {}) as Readonly<Record<string, string>>
    const secrets = join(directory.path, 'secrets')
    mkdirSync(secrets)
    writeFileSync(join(secrets, 'mda'), 'f'.repeat(64))
    writeFileSync(join(directory.path, 'siem-relay.yaml'), text.replaceAll('/siem-relay/secrets', secrets))
    const { code, out, err } = await runCommand(directory.path, 'validate')
    expect({ code, err: code === 0 ? '' : out + err }).toEqual({ code: 0, err: '' })
  })
})

describe('the overlay of one pod', () => {
  test('has one writer of its log: never two pods, and no budget that would hold up a drain', () => {
    const [deployment] = deployments(of('embedded'))
    expect(deployment?.spec).toMatchObject({ replicas: 1, strategy: { type: 'Recreate' } })
    expect(deployment?.spec.strategy).toEqual({ type: 'Recreate' })
    expect(ofKind<{ accessModes: string[] }>(of('embedded'), 'PersistentVolumeClaim')[0]?.spec.accessModes).toEqual([
      'ReadWriteOncePod',
    ])
    expect(ofKind(of('embedded'), 'PodDisruptionBudget')).toEqual([])
  })
})

describe('the overlay on Kafka', () => {
  const manifests = of('kafka')

  test('runs every service there is, two of each, one of them at a time away; one portal, whose accounts are its own', () => {
    const found = deployments(manifests)
    expect(found.map(({ metadata }) => metadata.name).toSorted()).toEqual(
      serviceNames.map((service) => `siem-relay-${service}`).toSorted(),
    )
    for (const { metadata, spec } of found) {
      const service = metadata.name.replace('siem-relay-', '')
      expect(spec.replicas).toBe(service === 'portal' ? 1 : 2)
      if (service === 'portal') expect(spec.strategy).toEqual({ type: 'Recreate' })
      expect(spec.template.metadata.labels['app.kubernetes.io/component']).toBe(service)
      expect(spec.template.spec.containers[0]?.args).toEqual([
        ...['run', '--config', '/siem-relay/config/siem-relay.yaml', '--service', service],
      ])
    }
    expect(
      ofKind(manifests, 'PodDisruptionBudget')
        .map(({ metadata }) => metadata.name)
        .toSorted(),
    ).toEqual(
      found
        .map(({ metadata }) => metadata.name)
        .filter((one) => one !== 'siem-relay-portal')
        .toSorted(),
    )
  })

  test('KEDA scales the syslog-sender by the lag of its agent, up to its partitions, and nobody else sets replicas', () => {
    const everything = of('kafka with components')
    const [scaled] = ofKind<{
      scaleTargetRef: { name: string }
      minReplicaCount: number
      maxReplicaCount: number
      triggers: readonly { type: string; metadata: Labels }[]
    }>(everything, 'ScaledObject')
    const target = deployments(everything).find(({ metadata }) => metadata.name === scaled?.spec.scaleTargetRef.name)
    expect(target).toBeDefined()
    expect(target?.spec.replicas).toBeUndefined()
    expect(scaled?.spec.minReplicaCount).toBeGreaterThan(0)
    expect(scaled?.spec.maxReplicaCount).toBe(outTopic('siem').partitions)
    expect(scaled?.spec.triggers.map(({ type, metadata }) => [type, metadata.topic, metadata.consumerGroup])).toEqual([
      ['kafka', `siem-relay.${outTopic('siem').name}`, `siem-relay.${senderGroup('siem')}`],
    ])
  })

  test('the Prometheus Operator gets the rules of monitoring/, and jobs by the names these know', () => {
    const everything = of('kafka with components')
    const [rule] = ofKind<{ groups: readonly object[] }>(everything, 'PrometheusRule')
    expect(rule?.spec.groups).toEqual(ruleGroups())
    const [monitor] = ofKind<{ endpoints: readonly { port: string; relabelings: readonly object[] }[] }>(
      everything,
      'ServiceMonitor',
    )
    expect(monitor?.spec.endpoints[0]?.relabelings).toContainEqual({
      sourceLabels: ['__meta_kubernetes_pod_label_app_kubernetes_io_component'],
      targetLabel: 'job',
    })
  })
})
