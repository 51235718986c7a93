// Prints, per entry page, the gzip bytes of script and style that load before
// the PDF viewer: what the page itself names, what those files import at once,
// and the texts of the largest language. One line each: `sign 41234`.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';

const dist = fileURLToPath(new URL('../dist/', import.meta.url));
const read = (path) => readFileSync(dist + path.replace(/^\//, ''));
const bytes = (path) => gzipSync(read(path), { level: 9 }).length;

// Static imports of a built file.
function imports(path) {
  const code = read(path).toString();
  return [...code.matchAll(/(?:from|import)\s*"\.\/([^"]+\.js)"/g)].map((match) => `/assets/${match[1]}`);
}

// The dictionaries: one dynamic import a language; only one of them is loaded.
function languages(path) {
  const code = read(path).toString();
  const found = new Map();
  for (const [, name] of code.matchAll(/import\(\s*[`"]\.\/((?:en|fr|zh-Han[ts])-[^"`]+\.js)[`"]\s*\)/g)) {
    const tag = name.match(/^(en|fr|zh-Han[ts])-/)[1];
    found.set(tag, [...(found.get(tag) ?? []), `/assets/${name}`]);
  }
  return found;
}

export function sizeOf(page) {
  const html = read(`${page}.html`).toString();
  const wanted = [...html.matchAll(/(?:src|href)="(\/assets\/[^"]+\.(?:js|css))"/g)].map((match) => match[1]);
  const files = new Set();
  const texts = new Map();
  for (let path = wanted.pop(); path; path = wanted.pop()) {
    if (files.has(path)) continue;
    files.add(path);
    if (!path.endsWith('.js')) continue;
    wanted.push(...imports(path));
    for (const [tag, paths] of languages(path)) for (const one of paths) texts.set(tag, (texts.get(tag) ?? new Set()).add(one));
  }
  const sum = (paths) => [...paths].reduce((total, path) => total + bytes(path), 0);
  const own = html.match(/<script>(.*?)<\/script>/s)?.[1] ?? ''; // that stands in the page
  return sum(files) + gzipSync(own, { level: 9 }).length + Math.max(0, ...[...texts.values()].map(sum));
}

for (const page of ['index', 'sign', 'compare', 'verify']) console.log(`${page === 'index' ? 'own' : page} ${sizeOf(page)}`);
