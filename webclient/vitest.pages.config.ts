import { defineConfig } from 'vitest/config';

// The pages in a real Chromium against a stand-in for the service. Build first.
// Two files at a time: a pen that is drawn at its own pace leaves a core idle, and
// nothing here is timed by the clock.
export default defineConfig({
  test: {
    environment: 'node',
    include: ['test/**/*.page.test.ts'],
    maxWorkers: 2,
    testTimeout: 120_000,
    hookTimeout: 60_000,
    expect: { poll: { timeout: 10_000 } },
  },
});
