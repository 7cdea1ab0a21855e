import { defineConfig } from 'vitest/config';

/** `npm run test:gpu`: tests that need a CUDA device, one file after the other; without a device they are skipped. */
export default defineConfig({
  test: {
    name: 'gpu',
    pool: 'forks',
    include: ['test/gpu/**/*.test.ts'],
    maxWorkers: 1,
    testTimeout: 600_000,
    hookTimeout: 600_000,
  },
});
