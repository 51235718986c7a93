// Mails and where they stand. Without a mail server this is how links are passed on.
import { useEffect, useState } from 'preact/hooks';
import { account, type Mail } from '../api.ts';
import { dateTime } from '../i18n/format.ts';
import { Badge, Empty, Panel, ProblemNotice, Progress } from '../ui/ui.tsx';
import { ended } from './state.ts';
import { text } from './text/index.ts';

const TONES: Record<string, 'good' | 'warn' | 'bad' | 'accent'> = { sent: 'good', failed: 'bad', queued: 'accent' };

export function Outbox() {
  const texts = text().outbox;
  const [mails, setMails] = useState<Mail[]>();
  const [problem, setProblem] = useState<unknown>();
  const load = () => account.outbox().then((answer) => setMails(answer.mails), (error: unknown) => { if (!ended(error)) setProblem(error); });
  useEffect(() => void load(), []);
  return (
    <div class="stack" data-test="outbox">
      <h1>{texts.title}</h1>
      <p class="muted">{texts.text}</p>
      <ProblemNotice problem={problem} onRetry={() => void load()} />
      {!mails && !problem && <Progress label={texts.title} />}
      {mails?.length === 0 && <Panel><Empty title={texts.empty} text={texts.emptyText} /></Panel>}
      {mails?.map((mail) => (
        <Panel key={mail.id} title={mail.subject} tools={<Badge tone={TONES[mail.state]}>{texts.states[mail.state] ?? mail.state}</Badge>} test="mail">
          <p class="small muted">{texts.to(mail.to)} · {dateTime(mail.createdAt)}</p>
          <p class="mail">{linked(mail.text)}</p>
        </Panel>
      ))}
    </div>
  );
}

// Addresses of this service become links; everything else stays text.
function linked(body: string) {
  return body.split(/(https?:\/\/\S+)/).map((part, i) => (
    part.startsWith(location.origin + '/') ? <a key={i} href={part} data-test="mail-link">{part}</a> : part
  ));
}
