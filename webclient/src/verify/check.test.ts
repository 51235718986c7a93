import { describe, expect, it } from 'vitest';
import { agreement, type Check } from './check.ts';

const report = (...codes: string[]) => ({ checks: codes.map((code): Check => ({ code, status: 'fails', text: '' })) });

describe('agreement of the two verifiers', () => {
  it('is about the container alone', () => {
    expect(agreement(report(), { holds: true })).toBe(true);
    expect(agreement(report('deposit.file.changed'), { holds: false })).toBe(true);
    expect(agreement(report('deposit.file.changed'), { holds: true })).toBe(false);
    expect(agreement(report(), { holds: false })).toBe(false);
    expect(agreement(report('pdf.untrusted', 'deposit.signers', 'deposit.record'), { holds: true })).toBe(true);
    expect(agreement(report(), undefined)).toBe(undefined);
  });
});
