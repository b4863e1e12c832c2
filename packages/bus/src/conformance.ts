/** The definition of the port: every bus passes this suite. Nothing here knows which bus it got; offsets may have gaps, and
 *  claims and hand-overs may take time, so tests wait for facts, never for a while. */
import { describe } from 'vitest'
import { describeDelivery } from './conformance/delivery.ts'
import type { MakeHarness } from './conformance/harness.ts'
import { describeHeldBack } from './conformance/held-back.ts'
import { describeModel } from './conformance/model.ts'
import { describePositions } from './conformance/positions.ts'
import { describeRecords } from './conformance/records.ts'
import { describeShare } from './conformance/share.ts'
import { describeStage } from './conformance/stage.ts'
import { describeStretches } from './conformance/stretches.ts'
import { describeTable } from './conformance/table.ts'
import { describeWriter } from './conformance/writer.ts'

export type { BusHarness, MakeHarness } from './conformance/harness.ts'

export interface ConformanceOptions {
  /** Random histories checked against the model. Default 30. */
  readonly modelRuns?: number
}

/** @param makeHarness called once per test: an empty log nobody else uses. */
export function busConformance(name: string, makeHarness: MakeHarness, options: ConformanceOptions = {}): void {
  describe(`${name} keeps the bus contract`, () => {
    describeRecords(makeHarness)
    describeWriter(makeHarness)
    describeStage(makeHarness)
    describeHeldBack(makeHarness)
    describeDelivery(makeHarness)
    describeShare(makeHarness)
    describeTable(makeHarness)
    describePositions(makeHarness)
    describeStretches(makeHarness)
    describeModel(makeHarness, options.modelRuns ?? 30)
  })
}
