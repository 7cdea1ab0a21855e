import { defineConfig } from 'vitest/config';

/** Tests that count ticks, memory or crashes of a whole process: they get the machine to themselves. */
const alone = [
  'test/process/**/*.test.ts',
  'test/session/lifecycle.test.ts',
  'test/**/*.alone.test.ts',
];

export default defineConfig({
  test: {
    pool: 'forks',
    testTimeout: 60_000,
    hookTimeout: 60_000,
    projects: [
      {
        extends: true,
        test: {
          name: 'side by side',
          include: ['test/**/*.test.ts'],
          exclude: ['test/gpu/**', ...alone],
          maxWorkers: 2,
          sequence: { groupOrder: 0 },
          typecheck: {
            enabled: true,
            include: ['test/types/**/*.test-d.ts'],
            tsconfig: 'test/types/tsconfig.json',
          },
        },
      },
      {
        extends: true,
        test: {
          name: 'alone',
          include: alone,
          maxWorkers: 1,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
