export { AgentSenders } from './agent-senders.ts'
export { Bell, earliest } from './bell.ts'
export { letterFor } from './letter.ts'
export {
  announceReplayMetrics,
  type DeliveryMetrics,
  deliveryMetrics,
  type Registry,
  replayMetrics,
} from './metrics.ts'
export { createPace, type Pace } from './pace.ts'
export { startReplays } from './replays.ts'
export type { Sender, SenderInput, SenderKind, SenderOptions, SenderService } from './sender.ts'
export { type AgentStatus, ConnectionStatus, type StatusError } from './status.ts'
