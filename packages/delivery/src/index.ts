export { Bell, earliest } from './bell.ts'
export { letterFor } from './letter.ts'
export {
  type CertificateHolder,
  type DeliveryMetrics,
  deliveryMetrics,
  type Registry,
  replayMetrics,
} from './metrics.ts'
export { createPace, type Pace } from './pace.ts'
export type { Sender, SenderInput, SenderKind, SenderOptions, SenderService } from './sender.ts'
export { type RunningSenders, type SendersConfig, startSenders } from './start.ts'
export { type AgentStatus, ConnectionStatus, type RemoteInstance, type StatusError } from './status.ts'
