// What colleagues do together on a document: comments for all who may read it,
// and, for those who may share it, with whom it is shared.
import { useEffect, useState } from 'preact/hooks';
import { type Comment, type Level, Problem, type Share, sharing } from '../api.ts';
import { exactTime } from '../i18n/format.ts';
import { Button, Form, Notice, Panel, ProblemNotice, Select, TextField } from '../ui/ui.tsx';
import { ended } from './state.ts';
import { text } from './text/index.ts';

const hidden = (error: unknown) => error instanceof Problem && (error.status === 403 || error.status === 404);

export function Comments({ document }: { document: string }) {
  const texts = text().sharing;
  const [lines, setLines] = useState<Comment[]>();
  const [draft, setDraft] = useState('');
  const [problem, setProblem] = useState<unknown>();
  const [closed, setClosed] = useState(false);
  const [busy, setBusy] = useState(false);
  const failed = (error: unknown) => { if (hidden(error)) setClosed(true); else if (!ended(error)) setProblem(error); };
  const load = () => sharing.comments(document).then((answer) => setLines(answer.comments), failed);
  useEffect(() => void load(), [document]);
  if (closed) return null;
  const act = async (call: () => Promise<unknown>) => {
    setBusy(true);
    setProblem(undefined);
    try {
      await call();
      await load();
    } catch (error) {
      if (!ended(error)) setProblem(error);
    }
    setBusy(false);
  };
  return (
    <Panel title={texts.comments} test="comments">
      {lines?.length === 0 && <p class="muted">{texts.none}</p>}
      <ul class="people">
        {lines?.map((line) => (
          <li key={line.id} data-test="comment">
            <div class="grow">
              <strong>{line.who}</strong> <time class="muted small" dateTime={line.at}>{exactTime(line.at)}</time>
              <div class="comment" data-test="comment-text">{line.text}</div>
            </div>
            {line.mine && <Button busy={busy} onClick={() => void act(() => sharing.removeComment(document, line.id))} test="comment-delete">{texts.remove}</Button>}
          </li>
        ))}
      </ul>
      <Form small onSubmit={() => void act(() => sharing.comment(document, draft).then(() => setDraft('')))}>
        <TextField label={texts.write} hint={texts.writeHint} value={draft} onInput={setDraft} lines={3} required test="comment-draft" />
        <div><Button type="submit" busy={busy} test="comment-send">{texts.send}</Button></div>
      </Form>
      <ProblemNotice problem={problem} />
    </Panel>
  );
}

export function Shares({ document }: { document: string }) {
  const texts = text().sharing;
  const [shares, setShares] = useState<Share[]>();
  const [email, setEmail] = useState('');
  const [level, setLevel] = useState<Level>('see');
  const [told, setTold] = useState('');
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<unknown>();
  const failed = (error: unknown) => { if (!hidden(error) && !ended(error)) setProblem(error); };
  const load = () => sharing.shares(document).then((answer) => setShares(answer.shares), failed);
  useEffect(() => void load(), [document]);
  if (!shares && !problem) return null; // not for who may not share
  const act = async (call: () => Promise<void>) => {
    setBusy(true);
    setProblem(undefined);
    setTold('');
    try {
      await call();
      await load();
    } catch (error) {
      if (!ended(error)) setProblem(error);
    }
    setBusy(false);
  };
  const share = async () => {
    const shared = await sharing.share(document, email, level);
    setTold(texts.told(shared.name || shared.email));
    setEmail('');
  };
  return (
    <Panel title={texts.title} test="shares">
      {shares?.length === 0 && <p class="muted">{texts.nobody}</p>}
      <ul class="people">
        {shares?.map((share) => (
          <li key={share.account} data-test="share">
            <div class="grow"><strong>{share.name}</strong> <span class="muted small">{share.email}</span><div class="small">{texts.levels[share.level]}</div></div>
            <Button busy={busy} onClick={() => void act(() => sharing.unshare(document, share.account))} test="unshare">{texts.remove}</Button>
          </li>
        ))}
      </ul>
      <Form small onSubmit={() => void act(share)}>
        <TextField label={texts.email} type="email" value={email} onInput={setEmail} required test="share-email" />
        <Select label={texts.level} value={level} onChange={setLevel} options={texts.levels} test="share-level" />
        <div><Button type="submit" busy={busy} test="share-go">{texts.go}</Button></div>
      </Form>
      {told && <Notice tone="good" test="share-told">{told}</Notice>}
      <ProblemNotice problem={problem} />
    </Panel>
  );
}
