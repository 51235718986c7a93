// @vitest-environment node
// Every reason code that the verifiers can give has its sentence, for each outcome that
// their source gives it.
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import en from './en.ts';
import fr from './fr.ts';
import hans from './zh-Hans.ts';
import hant from './zh-Hant.ts';

const evidence = fileURLToPath(new URL('../../../../evidence/', import.meta.url));
const FOLDERS = ['deposit', 'pdf', 'cmd/internal/check'];
const NEEDS_ROOTS = /needRoots = \[\]pdf\.Code\{([^}]+)\}/;

// The source of a package, and its codes by the names of their constants.
function source(folder: string): { text: string; codes: Map<string, string> } {
  const files = readdirSync(evidence + folder).filter((name) => name.endsWith('.go') && !name.endsWith('_test.go'));
  const text = files.map((name) => readFileSync(`${evidence}${folder}/${name}`, 'utf8')).join('\n');
  return { text, codes: new Map([...text.matchAll(/(\w+)(?:\s+Code)?\s+= "((?:deposit|pdf|log)\.[a-z.-]+)"/g)].map(([, name, code]) => [name!, code!])) };
}

const packages = Object.fromEntries(FOLDERS.map((folder) => [folder, source(folder)]));
const all = FOLDERS.flatMap((folder) => [...packages[folder]!.codes.values()]);

// The codes with which the source reports an outcome.
function reported(outcome: RegExp): string[] {
  return FOLDERS.flatMap((folder) => [...packages[folder]!.text.matchAll(outcome)].map(([, name]) => packages[folder]!.codes.get(name!)!));
}

const holds = reported(/(?:v\.holds\(|Add\(evidence\.Holds, )(Code\w+)/g);
const fails = [...reported(/(?:v\.fails\(|Add\(evidence\.Fails, )(Code\w+)/g), ...packages['pdf']!.codes.values()];
const needed = NEEDS_ROOTS.exec(packages['cmd/internal/check']!.text)![1]!.split(',').map((name) => packages['pdf']!.codes.get(name.trim().replace('pdf.', ''))!);
const open = [...reported(/(?:v\.unknown\(|Add\(evidence\.Unknown, )(Code\w+)/g), ...needed];

it('are found in the source', () => {
  expect(new Set(all).size).toBe(87);
  expect([holds.length > 18, open.length > 7, fails.length > 55]).toEqual([true, true, true]);
  expect([...holds, ...open, ...fails]).not.toContain(undefined);
});

it.each([['en', en], ['fr', fr], ['zh-Hant', hant], ['zh-Hans', hans]])('have a sentence in %s', (_, words) => {
  const without = (codes: string[], sentences: Record<string, string>) => codes.filter((code) => !sentences[code]);
  expect(without(holds, words.holds)).toEqual([]);
  expect(without(open, words.open)).toEqual([]);
  expect(without(fails, words.fails)).toEqual([]);
  expect(without(all, { ...words.holds, ...words.open, ...words.fails })).toEqual([]);
  const known = Object.values(words).flatMap((sentences) => Object.keys(sentences));
  expect(known.filter((code) => !all.includes(code))).toEqual([]); // a code that was taken back
  for (const sentence of Object.values(words).flatMap((sentences) => Object.values(sentences))) expect(sentence).toMatch(/[.。]$/);
});
