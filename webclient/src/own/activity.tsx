// The organisation's record: what was done, and who looked at what.
import { useEffect, useState } from 'preact/hooks';
import { dateTime, exactTime } from '../i18n/format.ts';
import { type AuditLine, people } from '../people.ts';
import { Button, Empty, Panel, ProblemNotice, Progress } from '../ui/ui.tsx';
import { ended } from './state.ts';
import { text } from './text/index.ts';

const PAGE = 100; // lines of one answer

export function ActivityPage() {
  const texts = text().record;
  const [lines, setLines] = useState<AuditLine[]>();
  const [names, setNames] = useState(new Map<string, string>());
  const [ends, setEnds] = useState(false);
  const [problem, setProblem] = useState<unknown>();
  const load = () => people.audit(lines?.at(-1)?.at).then(({ events }) => {
    setLines([...(lines ?? []), ...events]);
    setEnds(events.length < PAGE);
    setProblem(undefined);
  }, (error: unknown) => { if (!ended(error)) setProblem(error); });
  useEffect(() => {
    void load();
    // Without the names the record still tells what happened.
    void people.members().then(({ members }) => setNames(new Map(members.map((member) => [member.account, member.name]))), () => undefined);
  }, []);
  const about = (line: AuditLine) => {
    const document = /^document:([0-9a-f]{32})$/.exec(line.object ?? '');
    return document ? <a href={`#/documents/${document[1]}`}>{text().list.document}</a> : null;
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
                {names.get(line.account ?? '') ?? text().document.service}: {text().kinds[line.kind] ?? line.kind} {about(line)}
              </li>
            ))}
          </ol>
          {!ends && <div><Button onClick={() => void load()} test="record-more">{texts.more}</Button></div>}
        </Panel>
      )}
    </div>
  );
}
