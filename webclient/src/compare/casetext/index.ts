import { dictionary } from '../../i18n/index.ts';
import type en from './en.ts';

export const words = dictionary<typeof en>({
  en: () => import('./en.ts'),
  fr: () => import('./fr.ts'),
  'zh-Hant': () => import('./zh-Hant.ts'),
  'zh-Hans': () => import('./zh-Hans.ts'),
});
