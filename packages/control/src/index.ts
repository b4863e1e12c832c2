export {
  type AgentLag,
  type Control,
  controlMethods,
  controlStreams,
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
export { createJudge, type Previewed, type PreviewRecord, type PreviewRequest } from './preview.ts'
export { type TapItem, type TappedRecord, type TapRequest, tapStages } from './tap/shapes.ts'
