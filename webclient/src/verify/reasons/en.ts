// What each reason code of the verifier says, by the outcome of its check; the report of
// a case reads the same files.
import words from '../../../../api/dispute/report/reasons/en.json';

const en = { holds: words.holds, open: words.open, fails: words.fails };

export default en;
