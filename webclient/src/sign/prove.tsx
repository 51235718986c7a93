// The second layer: a code by telephone message, a code of the signer's own app,
// or a passkey, before anything of the document is shown.
import { useState } from 'preact/hooks';
import { type Ceremony, Problem, type Way, signing } from '../api.ts';
import { hasPasskeys, usePasskey } from '../passkey.ts';
import { Button, Form, Notice, Panel, ProblemNotice, TextField } from '../ui/ui.tsx';
import { Title } from './parts.tsx';
import { accept } from './state.ts';
import { text } from './text/index.ts';

export function Prove({ state }: { state: Ceremony }) {
  const texts = text().prove;
  const ways = (state.second?.ways ?? []).filter((one) => one !== 'passkey' || hasPasskeys());
  const [way, setWay] = useState<Way>(ways[0] ?? 'totp');
  const [code, setCode] = useState('');
  const [sent, setSent] = useState(false);
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<unknown>();
  const act = async (call: () => Promise<void>) => {
    setBusy(true);
    setProblem(undefined);
    try {
      await call();
    } catch (error) {
      setProblem(error);
    }
    setBusy(false);
  };
  const send = () => act(async () => {
    await signing.sendCode();
    setCode('');
    setSent(true);
  });
  const prove = () => act(async () => accept(await signing.prove(way, code.trim())));
  const showPasskey = () => act(async () => {
    const offer = await signing.beginPasskey();
    const credential = await usePasskey(offer).catch(() => undefined); // the browser's dialog was closed
    if (credential) accept(await signing.provePasskey({ ceremony: offer.ceremony, credential }));
  });
  const change = (next: Way) => {
    setWay(next);
    setCode('');
    setProblem(undefined);
  };
  const wrong = problem instanceof Problem && problem.status === 422;
  const asks = way === 'totp' || way === 'sms' && sent;
  const others = { sms: texts.bySMS, totp: texts.byApp, passkey: texts.byPasskey };
  return (
    <div class="stack">
      <Title>{texts.title}</Title>
      <p>{texts.text(state.sender.name)}</p>
      <Panel test="prove">
        <p>{way === 'sms' ? texts.sms((state.second?.phone ?? '').replace(/\D/g, '')) : texts[way]}</p>
        {way === 'sms' && <p class="muted small">{texts.smsRisk}</p>}
        {sent && way === 'sms' && <Notice tone="good" test="code-sent">{texts.sent}</Notice>}
        <Form small onSubmit={() => void prove()}>
          {asks && <TextField label={texts.code} value={code} onInput={setCode} autocomplete="one-time-code" required test="prove-code" />}
          <div class="actions">
            {asks && <Button kind="primary" type="submit" busy={busy} test="prove-go">{texts.go}</Button>}
            {way === 'passkey' && <Button kind="primary" busy={busy} onClick={() => void showPasskey()} test="prove-passkey">{texts.useKey}</Button>}
            {way === 'sms' && <Button kind={sent ? 'normal' : 'primary'} busy={busy} onClick={() => void send()} test="send-code">{sent ? texts.again : texts.send}</Button>}
            {ways.filter((other) => other !== way).map((other) => (
              <Button key={other} onClick={() => change(other)} test={`prove-by-${other}`}>{others[other]}</Button>
            ))}
          </div>
        </Form>
        {wrong ? <Notice tone="bad" test="code-wrong">{way === 'passkey' ? texts.wrongKey : texts.wrong}</Notice> : <ProblemNotice problem={problem} />}
      </Panel>
    </div>
  );
}
