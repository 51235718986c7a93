// The letter of deposit: a PDF that is signed as a whole. Nothing of it has to be
// understood for that: all of the file but one string of hexadecimal digits, the
// signature itself, is what was signed (ISO 32000-2, section 12.8.1).
import { type Bytes, concat, equal, unhex } from './bytes.ts';
import { type Signed, parse, signs } from './cms.ts';
import { take } from './der.ts';
import type { Certificate } from './x509.ts';

// The signature over the whole letter by a certificate; undefined where there is none.
export async function wholeSignature(letter: Bytes, by: Certificate): Promise<Signed | undefined> {
  const text = new TextDecoder('latin1').decode(letter);
  for (const [, start, end, length] of text.matchAll(/\/ByteRange ?\[0 (\d{1,10}) (\d{1,10}) (\d{1,10})\]/g)) {
    const from = Number(start);
    const to = Number(end);
    if (from >= to || to + Number(length) !== letter.length) continue;
    const digits = /^<([0-9a-f]*)>$/.exec(text.slice(from, to).toLowerCase());
    if (!digits) continue;
    try {
      const [value, padding] = take(unhex(digits[1]!));
      const signed = parse(value.raw);
      const covered = concat(letter.subarray(0, from), letter.subarray(to));
      if (padding.every((byte) => byte === 0) && equal(signed.signer.raw, by.raw) && await signs(signed, covered)) return signed;
    } catch {
      // not this one
    }
  }
  return undefined;
}
