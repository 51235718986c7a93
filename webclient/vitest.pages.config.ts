import { defineConfig } from 'vitest/config';

// The pages in a real Chromium against a stand-in for the service. Build first.
export default defineConfig({
  test: {
    environment: 'node',
    include: ['test/**/*.page.test.ts'],
    fileParallelism: false,
    testTimeout: 120_000,
    hookTimeout: 60_000,
  },
});
