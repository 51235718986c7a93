// The lists of files in the container: ASiCManifest (EN 319 162-1, annex A.4) in
// the one form that the service writes, and the bag's manifest for sha256sum.
import { base64, type Bytes, equal, hex, textOf, utf8 } from './bytes.ts';

export interface Listed {
  name: string;
  sha256: Bytes;
}

export interface List {
  over: string; // the signature or timestamp that is over the list
  type: string;
  files: Listed[];
}

const HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="no"?>\n<asic:ASiCManifest xmlns:asic="http://uri.etsi.org/02918/v1.2.1#" xmlns:ds="http://www.w3.org/2000/09/xmldsig#">\n';
const OVER = /^ {2}<asic:SigReference URI="([^"<>&]+)" MimeType="([^"<>&]+)"\/>\n/;
const FILE = / {2}<asic:DataObjectReference URI="([^"<>&]+)" MimeType="[^"<>&]+">\n {4}<ds:DigestMethod Algorithm="http:\/\/www\.w3\.org\/2001\/04\/xmlenc#sha256"\/>\n {4}<ds:DigestValue>([A-Za-z0-9+/=]{44})<\/ds:DigestValue>\n {2}<\/asic:DataObjectReference>\n/y;
const TAIL = '</asic:ASiCManifest>\n';

export function parseList(bytes: Bytes): List {
  const text = textOf(bytes);
  const over = text.startsWith(HEAD) ? OVER.exec(text.slice(HEAD.length)) : null;
  if (!over) throw new Error('no signed list');
  const list: List = { over: over[1] ?? '', type: over[2] ?? '', files: [] };
  let at = HEAD.length + over[0].length;
  for (;;) {
    FILE.lastIndex = at;
    const match = FILE.exec(text);
    if (!match) break;
    const sha256 = base64(match[2] ?? '');
    if (sha256.length !== 32) throw new Error('digest');
    list.files.push({ name: match[1] ?? '', sha256 });
    at += match[0].length;
  }
  if (text.slice(at) !== TAIL) throw new Error('the signed list is in another form');
  return list;
}

// What sha256sum -c reads.
export const bagOf = (files: Listed[]): Bytes => utf8(files.map((one) => `${hex(one.sha256)}  ${one.name}\n`).join(''));

export const sameFiles = (a: Listed[], b: Listed[]): boolean =>
  a.length === b.length && a.every((one, i) => one.name === b[i]?.name && equal(one.sha256, b[i]?.sha256 ?? new Uint8Array()));
