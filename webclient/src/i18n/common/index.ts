import { dictionary } from '../index.ts';
import type en from './en.ts';

// Texts that every page uses.
export const common = dictionary<typeof en>({
  en: () => import('./en.ts'),
  fr: () => import('./fr.ts'),
  'zh-Hant': () => import('./zh-Hant.ts'),
  'zh-Hans': () => import('./zh-Hans.ts'),
});
