/** Commands of the docs that their test does not run, each with why, and what runs it instead. */

export interface NotRunHere {
  readonly page: string
  /** The beginnings of its commands. */
  readonly commands: readonly string[]
  readonly why: string
  /** The file that runs the same. */
  readonly instead?: string
}

const azure = 'needs an account of Azure'
const windows = 'needs Windows'
const systemd = 'needs systemd and changes the machine'
const cluster = 'needs a cluster'

export const notRunHere: readonly NotRunHere[] = [
  {
    page: 'CONTRIBUTING.md',
    commands: ['npm ci', 'npm test', 'npm run check', 'npm run test:'],
    why: 'is a step of continuous integration',
    instead: '.ci/run',
  },
  { page: 'CONTRIBUTING.md', commands: ['npm run bench'], why: 'takes many minutes and asserts nothing' },
  {
    page: 'CONTRIBUTING.md',
    commands: ['npm run docs'],
    why: 'writes into the clone; that it would write nothing new is tested',
    instead: 'test/docs.test.ts',
  },
  {
    page: 'docs/operating/docker.md',
    commands: [
      'docker compose up',
      'docker compose logs',
      'docker compose exec sentinel-sender siem-relay doctor sentinel',
      'docker compose run --rm --no-deps collector validate',
      'docker run -d --name siem-relay',
      'docker exec siem-relay siem-relay health',
    ],
    why: 'needs Docker',
    instead: 'test/compose/compose.test.ts',
  },
  {
    page: 'docs/operating/docker.md',
    commands: ['docker compose -f docker-compose.yml -f deploy/compose/cluster.yaml up -d'],
    why: 'needs Docker and memory for three brokers; no test runs it',
  },
  {
    page: 'docs/operating/docker.md',
    commands: ['SIEM_RELAY_CONFIG=', 'SIEM_RELAY_SECRET=', 'SIEM_RELAY_DEMO='],
    why: 'is the content of a file, .env',
  },
  {
    page: 'docs/operating/kafka.md',
    commands: [
      'siem-relay run --config siem-relay.yaml --service collector',
      'siem-relay run --config siem-relay.yaml --service formatter',
      'siem-relay run --config siem-relay.yaml --service syslog-sender',
    ],
    why: 'needs Kafka',
    instead: 'test/kafka/relay.test.ts',
  },
  {
    page: 'docs/operating/kafka.md',
    commands: ['siem-relay run --config siem-relay.yaml --service sentinel-sender'],
    why: 'needs Kafka',
    instead: 'test/compose/compose.test.ts',
  },
  {
    page: 'docs/operating/kubernetes.md',
    commands: ['kubectl kustomize'],
    why: 'needs kubectl or kustomize',
    instead: 'test/kubernetes/manifests.test.ts',
  },
  { page: 'docs/operating/kubernetes.md', commands: ['kubectl create', 'kubectl -n', 'kubectl apply'], why: cluster },
  { page: 'docs/using/migrating.md', commands: ['adduser', 'cp deploy/systemd', 'systemctl'], why: systemd },
  { page: 'docs/using/migrating.md', commands: ['$action', '$settings', 'Register-ScheduledTask'], why: windows },
  {
    page: 'docs/using/remote-agent.md',
    commands: ['sudo cp /opt/siem-relay/deploy/systemd', 'sudo systemctl', 'journalctl'],
    why: systemd,
  },
  {
    page: 'docs/using/remote-agent.md',
    commands: ['$run', '$settings', 'Register-ScheduledTask', 'icacls'],
    why: windows,
  },
  { page: 'docs/using/sentinel-deploy.md', commands: ['az '], why: azure },
  { page: 'docs/using/simulator.md', commands: ['az '], why: azure },
]
