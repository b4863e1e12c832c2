import { defineConfig } from 'vitest/config'

/** `npm test` runs `fast`, which needs nothing but the clone; `npm run test:receivers` needs real syslog daemons and root,
 *  `npm run test:compose` a running Docker, `npm run test:kql` an engine of KQL, `npm run test:monitoring` a Prometheus,
 *  `npm run test:browser` Chromium, `npm run test:kafka` Docker, Chromium and a Prometheus, `npm run test:kubernetes`
 *  kustomize and Kubernetes' schemas. */
export default defineConfig({
  test: {
    testTimeout: 30_000,
    hookTimeout: 30_000,
    projects: [
      {
        extends: true,
        test: {
          name: 'fast',
          include: [
            'packages/**/*.test.ts',
            'services/**/*.test.ts',
            'app/**/*.test.ts',
            'test/*.test.ts',
            'test/e2e/**/*.test.ts',
            'test/sentinel/**/*.test.ts',
          ],
        },
      },
      {
        extends: true,
        test: { name: 'compose', include: ['test/compose/**/*.test.ts'], testTimeout: 900_000 },
      },
      {
        extends: true,
        test: {
          name: 'kafka',
          include: ['test/kafka/**/*.test.ts'],
          globalSetup: ['test/kafka/setup.ts'],
          fileParallelism: false,
          testTimeout: 60_000,
          hookTimeout: 180_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'monitoring',
          include: ['test/monitoring/**/*.test.ts'],
          fileParallelism: false,
          testTimeout: 150_000,
          hookTimeout: 60_000,
        },
      },
      {
        extends: true,
        test: { name: 'browser', include: ['test/browser/**/*.test.ts'], fileParallelism: false, testTimeout: 120_000 },
      },
      { extends: true, test: { name: 'kubernetes', include: ['test/kubernetes/**/*.test.ts'] } },
      { extends: true, test: { name: 'kql', include: ['test/kql/**/*.test.ts'] } },
      { extends: true, test: { name: 'receivers', include: ['test/receivers/**/*.test.ts'], fileParallelism: false } },
    ],
  },
})
