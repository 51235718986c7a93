// What a check says: in the reader's language, then exactly.
import type { Check } from './check.ts';
import { reasonOf } from './reasons/index.ts';

export function Found({ check }: { check: Pick<Check, 'code' | 'status' | 'text'> }) {
  const reason = reasonOf(check);
  if (!reason || reason === check.text) return <span lang="en">{check.text}</span>;
  return <>{reason}<div class="small muted" lang="en">{check.text}</div></>;
}
