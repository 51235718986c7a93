// The tamper vectors that the program inkverify is tested with.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { base64, type Bytes, type Source } from './bytes.ts';
import { verify } from './deposit.ts';

interface Vector {
  name: string;
  trust: boolean;
  whole?: boolean; // only a verifier that reads evidence records sees it
  pieces: { from?: number; to?: number; data?: string }[];
  holds: boolean;
  code?: string;
  part?: string;
}

const folder = '../testdata/vectors/';
const file = JSON.parse(readFileSync(`${folder}vectors.json`, 'utf8')) as { base: string; roots: string; otherRoots: string; logKeys: string[]; vectors: Vector[] };
const base = new Uint8Array(readFileSync(folder + file.base));

export const sourceOf = (bytes: Bytes): Source => ({ size: bytes.length, read: (offset, length) => bytes.slice(Math.min(offset, bytes.length), Math.min(offset + length, bytes.length)) });

function build(vector: Vector): Bytes {
  const parts = vector.pieces.flatMap((one) => [one.data ? base64(one.data) : new Uint8Array(), base.subarray(one.from ?? 0, one.to ?? 0)]);
  return new Uint8Array(Buffer.concat(parts));
}

// The document's own signatures and recordings are not this verifier's: there it must fail, for
// whatever reason.
const elsewhere = (code: string) => code.startsWith('pdf.') || code === 'deposit.signers' || code === 'deposit.document' || code === 'deposit.recording';

describe('deposits of an earlier release', () => {
  const earlier = `${folder}earlier/`;
  const given = { roots: readFileSync(`${earlier}roots.pem`, 'utf8'), logKeys: readFileSync(`${earlier}log-keys.txt`, 'utf8').trim().split('\n') };
  it.each([['good', 1], ['erased', 2]])('%s: hold, the purposes of their certificates are open', async (name, want) => {
    for (const trust of [{}, given]) {
      const report = await verify(sourceOf(new Uint8Array(readFileSync(`${earlier}${name}.asice`))), trust);
      expect(report.checks.filter((one) => one.status === 'fails')).toEqual([]);
      expect(report.checks.filter((one) => one.code === 'deposit.trust.purpose' && one.status === 'unknown')).toHaveLength(want);
    }
  });
});

describe('tamper vectors', () => {
  it('are all there', () => expect(file.vectors.length).toBeGreaterThan(250));

  it.each(file.vectors.filter((one) => !one.whole))('$name', async (vector) => {
    const report = await verify(sourceOf(build(vector)), vector.trust ? file : {});
    const failed = report.checks.filter((one) => one.status === 'fails');
    expect(report.holds, JSON.stringify(failed)).toBe(vector.holds);
    if (!vector.code || elsewhere(vector.code)) return;
    const named = failed.some((one) => one.code === vector.code && (one.part === vector.part || one.text.includes(vector.part ?? '')));
    expect(named, `want ${vector.code} at ${vector.part}, got ${JSON.stringify(failed)}`).toBe(true);
  });
});
