export {
  type AgentLag,
  type Control,
  controlMethods,
  type ReplayStatus,
} from './control.ts'
export type {
  DeadLetter,
  DeadLetterPage,
  DroppedLetters,
  LetterFilter,
  LetterMark,
  RefusedLetter,
  RetriedLetters,
  WholeDeadLetter,
} from './dead-letters/shapes.ts'
export { LocalControl, type LocalControlParts } from './local.ts'
