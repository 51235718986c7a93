import { describe, expect, it, vi } from 'vitest';
import { faultOf, judge, openCamera } from './camera.ts';

const picture = (value: (i: number) => number) => Array.from({ length: 4 * 768 }, (_, i) => (i % 4 === 3 ? 255 : value(i >> 2)));

describe('hints', () => {
  it.each([
    ['dark', () => 12], ['bright', () => 250], ['flat', () => 120], ['good', (i: number) => 60 + (i % 32) * 4],
  ] as const)('%s', (hint, value) => {
    expect(judge(picture(value))).toBe(hint);
  });
});

it.each([
  ['NotAllowedError', 'refused'], ['NotFoundError', 'missing'], ['OverconstrainedError', 'missing'], ['NotReadableError', 'busy'], ['TypeError', 'other'],
])('%s means %s', (name, fault) => {
  expect(faultOf({ name })).toBe(fault);
});

it('says that an insecure page gets no camera', async () => {
  vi.stubGlobal('navigator', {});
  await expect(openCamera(true)).rejects.toMatchObject({ fault: 'insecure' });
  vi.unstubAllGlobals();
});
