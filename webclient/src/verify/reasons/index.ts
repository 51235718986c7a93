// What a check says in the reader's language; the verifier's own sentence, which is
// English, tells what exactly was found.
import { dictionary } from '../../i18n/index.ts';
import type { Check } from '../check.ts';
import type en from './en.ts';

const reasons = dictionary<typeof en>({
  en: () => import('./en.ts'),
  fr: () => import('./fr.ts'),
  'zh-Hant': () => import('./zh-Hant.ts'),
  'zh-Hans': () => import('./zh-Hans.ts'),
});

// Returns undefined for a code of a later verifier, of which this page knows nothing.
export function reasonOf(check: Pick<Check, 'code' | 'status'>): string | undefined {
  const { holds, open, fails } = reasons();
  const sentences: Record<string, string> = { holds, unknown: open, fails }[check.status];
  return sentences[check.code];
}
