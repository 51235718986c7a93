// What the verification of a deposit said when it came into the case.
import { Badge } from '../ui/ui.tsx';
import { Found } from '../verify/found.tsx';
import { words } from './casetext/index.ts';
import type { Item } from './service.ts';

export function Checks({ report }: { report: NonNullable<Item['checks']> }) {
  const texts = words().checks;
  const count = (status: string) => report.checks.filter((one) => one.status === status).length;
  const fails = count('fails');
  return (
    <details data-test="item-checks">
      <summary><Badge tone={fails > 0 ? 'bad' : count('unknown') > 0 ? 'warn' : 'good'}>{fails > 0 ? texts.fails(fails) : count('unknown') > 0 ? texts.unknown(count('unknown')) : texts.holds(count('holds'))}</Badge> {texts.title}</summary>
      <p class="small muted">{texts.language}</p>
      <ul class="checks small">
        {report.checks.map((one, i) => <li key={i} data-status={one.status}><strong>{texts.statuses[one.status]}</strong> <div class="grow"><Found check={one} />{one.part && <div class="small muted mono">{one.part}</div>}</div></li>)}
      </ul>
    </details>
  );
}
