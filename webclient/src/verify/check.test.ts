import { describe, expect, it } from 'vitest';
import { agreement, type Check } from './check.ts';

// Points that fail, each a code, or a code and the part that it speaks of.
const report = (...codes: string[]) => ({ checks: codes.map((one): Check => {
  const [code, part] = one.split(' ');
  return { code: code!, status: 'fails', text: '', ...(part && { part }) };
}) });

describe('agreement of the two verifiers', () => {
  it('is about the container alone', () => {
    expect(agreement(report(), { holds: true })).toBe(true);
    expect(agreement(report('deposit.file.changed'), { holds: false })).toBe(true);
    expect(agreement(report('deposit.file.changed'), { holds: true })).toBe(false);
    expect(agreement(report(), { holds: false })).toBe(false);
    expect(agreement(report('pdf.untrusted', 'deposit.signers', 'deposit.record'), { holds: true })).toBe(true);
    expect(agreement(report(), undefined)).toBe(undefined);
  });

  it('leaves out what the second one does not look at', () => {
    expect(agreement(report('deposit.recording data/capture/signer-1/strokes.bin'), { holds: true })).toBe(true);
    expect(agreement(report('deposit.trust.purpose data/contract-signed.pdf'), { holds: true })).toBe(true);
    expect(agreement(report('deposit.trust.purpose META-INF/signature001.p7s'), { holds: true })).toBe(false);
  });
});
