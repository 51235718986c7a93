import words from '../../../../api/dispute/report/reasons/fr.json';
import type { Translation } from '../../i18n/index.ts';
import type en from './en.ts';

const fr: Translation<typeof en> = { holds: words.holds, open: words.open, fails: words.fails };

export default fr;
