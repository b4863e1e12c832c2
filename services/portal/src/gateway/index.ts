export { followAgents } from './follow-agents.ts'
export { startGateway } from './gateway.ts'
