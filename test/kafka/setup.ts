/** One broker for all tests of the project. Where Docker does not answer the tests are reported as skipped; with REQUIRE_DOCKER=1 that is
 *  a failure. KAFKA_BOOTSTRAP names a broker that is there already. */
import { getContainerRuntimeClient } from 'testcontainers'
import type { TestProject } from 'vitest/node'
import { startKafkaContainer } from '../support/kafka-container.ts'

declare module 'vitest' {
  export interface ProvidedContext {
    /** `host:port` of a broker; undefined without Docker. */
    kafka: string | undefined
  }
}

export default async function setup(project: TestProject): Promise<(() => Promise<void>) | undefined> {
  const { KAFKA_BOOTSTRAP: bootstrap, REQUIRE_DOCKER: isRequired } = process.env
  if (bootstrap !== undefined) {
    project.provide('kafka', bootstrap)
    return undefined
  }
  try {
    await getContainerRuntimeClient()
  } catch (error) {
    if (isRequired === '1') throw error
    project.provide('kafka', undefined)
    return undefined
  }
  const kafka = await startKafkaContainer()
  project.provide('kafka', kafka.address)
  return async () => {
    await kafka[Symbol.asyncDispose]()
  }
}
