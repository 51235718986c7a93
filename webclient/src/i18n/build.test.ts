// @vitest-environment node
// A phrase that a dictionary lacks fails the build.
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';

it('fails where a phrase is missing', { timeout: 120_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'build-'));
  const pages = join(folder, 'webclient');
  for (const part of ['src', 'package.json', 'tsconfig.json']) cpSync(part, join(pages, part), { recursive: true, filter: (path) => !path.endsWith('.test.ts') });
  cpSync('../api/dispute/report', join(folder, 'api/dispute/report'), { recursive: true, filter: (path) => !/\.\w+$/.test(path) || path.endsWith('.json') });
  symlinkSync(join(process.cwd(), 'node_modules'), join(pages, 'node_modules'));
  const french = join(pages, 'src/verify/text/fr.ts');
  writeFileSync(french, readFileSync(french, 'utf8').replace('  drop:', '  dropped:'));
  const { status, stdout, stderr } = spawnSync('npm', ['run', '--silent', 'build'], { cwd: pages, encoding: 'utf8' });
  const errors = (stdout + stderr).split('\n').filter((line) => /error TS/.test(line));
  expect(errors).toEqual([expect.stringMatching(/verify\/text\/fr\.ts.*drop/)]);
  expect(status).not.toBe(0);
  rmSync(folder, { recursive: true });
});
