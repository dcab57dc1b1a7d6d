import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';
import { LeftOutReporter } from './test/leftOut.ts';

/** Tests that run the small model for seconds to a minute; `npx vitest run --project parts` leaves them out. */
const wholeModel = ['test/e2e/**/*.test.ts', 'test/cosim/text.test.ts'];

export default defineConfig({
  test: {
    reporters: ['default', new LeftOutReporter()],
    // By default one of two processors would stay idle.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    projects: [
      {
        test: {
          name: 'parts',
          include: ['test/**/*.test.ts', 'packages/*/test/**/*.test.ts'],
          exclude: wholeModel,
          setupFiles: ['test/seed.ts'],
          testTimeout: 600_000,
          hookTimeout: 600_000,
        },
      },
      {
        test: {
          name: 'e2e',
          include: wholeModel,
          setupFiles: ['test/seed.ts'],
          testTimeout: 600_000,
          hookTimeout: 600_000,
        },
      },
    ],
  },
});
