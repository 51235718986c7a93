import { render } from 'preact';
import { expect, it } from 'vitest';
import { Problem } from '../../api.ts';
import { setLanguage } from '../../i18n/index.ts';
import { ProofDialog, proven } from './load.tsx';

it('leaves no act waiting for a proof when its page is left', async () => {
  await setLanguage('en');
  const box = document.createElement('div');
  render(<ProofDialog />, box);
  const acts = ['first', 'second'].map((name) => proven(() => Promise.reject(new Problem(403, 'step-up', name))));
  const ends = Promise.allSettled(acts);
  await new Promise((resolve) => setTimeout(resolve));
  render(null, box);
  expect((await ends).map((end) => end.status === 'rejected' && (end.reason as Problem).message)).toEqual(['first', 'second']);
});
