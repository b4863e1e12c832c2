export {
  type AgentLag,
  type Control,
  controlMethods,
  type ReplayStatus,
} from './control.ts'
export { LocalControl, type LocalControlParts } from './local.ts'
