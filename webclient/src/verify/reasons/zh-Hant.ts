import words from '../../../../api/dispute/report/reasons/zh-Hant.json';
import type { Translation } from '../../i18n/index.ts';
import type en from './en.ts';

const zhHant: Translation<typeof en> = { holds: words.holds, open: words.open, fails: words.fails };

export default zhHant;
