// @vitest-environment node
// Every kind of event that the service can write has words in every language.
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import en from './text/en.ts';
import fr from './text/fr.ts';
import hans from './text/zh-Hans.ts';
import hant from './text/zh-Hant.ts';

const api = fileURLToPath(new URL('../../../api/', import.meta.url));

// Where the service's source names the kind of an event that it records.
const NAMED = /(?:Event\{(?:\{)?Kind: |[rR]ecord(?:\w*)\(ctx, |kind(?:, \w+|\.State, kind)? :?= |changeMember\(.*?|factorChanged\(ctx, id, |, kind = \w+, |CaptureDiscarded, )"([a-z]+\.[a-z-]+)"/g;

// Kinds of the families that are known, however the source hands them on.
const FAMILY = /"((?:access|account|audit|capture|case|comment|consent|deposit|document|evidence|factor|fields|grant|hold|invitation|key|member|organisation|password|profile|provider|retention|session|share|signer|staff|webhook)\.[a-z-]+)"/g;
const FILES = /\.(?:pdf|asice|json|webm|txt|html)$/;

function kinds(): string[] {
  const files = readdirSync(api, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.go') && !name.endsWith('_test.go') && !/storetest|pgtest/.test(name));
  const named = (source: string) => [...source.matchAll(NAMED), ...source.matchAll(FAMILY)].map((match) => match[1]!);
  return [...new Set(files.flatMap((name) => named(readFileSync(api + name, 'utf8'))))].filter((kind) => !FILES.test(kind)).sort();
}

it('are found in the source', () => {
  const found = kinds();
  expect(found.length).toBeGreaterThan(45);
  for (const known of ['document.sent', 'capture.refused', 'consent.given', 'consent.refused', 'factor.added', 'member.role', 'session.copied', 'evidence.opened']) expect(found).toContain(known);
});

it.each([['en', en], ['fr', fr], ['zh-Hant', hant], ['zh-Hans', hans]])('have words in %s', (_, { kinds: words }) => {
  expect(kinds().filter((kind) => !words[kind])).toEqual([]);
  expect(Object.keys(words).sort()).toEqual(Object.keys(en.kinds).sort());
});
