export { followAgents } from './follow-agents.ts'
export { type Gateway, startGateway } from './gateway.ts'
