import { defineConfig } from 'vitest/config';

// Figures of the pages in a real Chromium. Build first.
export default defineConfig({
  test: {
    environment: 'node',
    include: ['test/**/*.speed.test.ts'],
    fileParallelism: false,
    testTimeout: 120_000,
    hookTimeout: 60_000,
  },
});
