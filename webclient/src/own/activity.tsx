// The organisation's record: what was done, and who looked at what.
import { useEffect, useState } from 'preact/hooks';
import { dateTime, exactTime } from '../i18n/format.ts';
import { type AuditLine, people } from '../people.ts';
import { Button, Empty, Panel, ProblemNotice, Progress } from '../ui/ui.tsx';
import { doer, isSigners, SHOWN } from './acts.ts';
import { ended } from './state.ts';
import { text } from './text/index.ts';

const PAGE = 100; // lines of one answer

export function ActivityPage() {
  const texts = text().record;
  const [lines, setLines] = useState<AuditLine[]>();
  const [ends, setEnds] = useState(false);
  const [problem, setProblem] = useState<unknown>();
  const [busy, setBusy] = useState(false); // the same lines are not asked for twice
  const load = async () => {
    setBusy(true);
    try {
      const { events } = await people.audit(lines?.at(-1)?.at);
      setLines([...(lines ?? []), ...events]);
      setEnds(events.length < PAGE);
      setProblem(undefined);
    } catch (error) {
      if (!ended(error)) setProblem(error);
    }
    setBusy(false);
  };
  useEffect(() => void load(), []);
  const about = (line: AuditLine) => {
    const [, id] = /^document:([0-9a-f]{32})$/.exec(line.object ?? '') ?? [];
    if (!id) return null;
    const what = line.title ? <a href={`#/documents/${id}`}>{line.title}</a> : `${text().list.document} ${id.slice(0, SHOWN)}`;
    return <>· {what}{line.signer && !isSigners(line) && ` · ${line.signer}`}</>;
  };
  return (
    <div class="stack" data-test="record">
      <h1>{texts.title}</h1>
      <p class="muted">{texts.text}</p>
      <ProblemNotice problem={problem} onRetry={() => void load()} />
      {!lines && !problem && <Progress label={texts.title} />}
      {lines?.length === 0 && <Panel><Empty title={texts.empty} text={texts.emptyText} /></Panel>}
      {lines && lines.length > 0 && (
        <Panel>
          <ol class="timeline small">
            {lines.map((line, i) => (
              <li key={i} data-test="record-line">
                <time dateTime={line.at} title={exactTime(line.at)}>{dateTime(line.at)}</time>
                {doer(line, line.signer)}: {text().kinds[line.kind] ?? line.kind} {about(line)}
              </li>
            ))}
          </ol>
          {!ends && <div><Button onClick={() => void load()} busy={busy} test="record-more">{texts.more}</Button></div>}
        </Panel>
      )}
    </div>
  );
}
