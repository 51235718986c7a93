// Second factors: an authenticator app, passkeys, and codes for the day they are lost.
import { useRef, useState } from 'preact/hooks';
import { common } from '../../i18n/common/index.ts';
import { day } from '../../i18n/format.ts';
import { self } from '../../people.ts';
import { Badge, Button, Form, Notice, Panel, ProblemNotice, Progress, TextField } from '../../ui/ui.tsx';
import { AppKey } from './app.tsx';
import { useLoaded } from './load.tsx';
import { hasPasskeys, makePasskey } from '../../passkey.ts';
import { Removal } from './removal.tsx';
import { text } from './text/index.ts';

export function FactorsPanel() {
  const texts = text().settings.factors;
  const factors = useLoaded(self.factors);
  const [offer, setOffer] = useState<{ secret: string; uri: string }>();
  const [code, setCode] = useState('');
  const [codes, setCodes] = useState<string[]>([]);
  const [name, setName] = useState('');
  const [stopped, setStopped] = useState(false);
  const heading = useRef<HTMLHeadingElement>(null);
  const known = factors.value;
  const begin = () => factors.act(async () => setOffer(await self.offerTOTP()));
  const confirm = async () => {
    if (await factors.act(async () => setCodes((await self.confirmTOTP(code.trim())).recoveryCodes ?? []))) {
      setOffer(undefined);
      setCode('');
    }
  };
  const addPasskey = () => factors.act(async () => {
    setStopped(false);
    const begun = await self.beginPasskey();
    let credential: unknown;
    try {
      credential = await makePasskey(begun);
    } catch {
      setStopped(true); // the browser's own dialog was closed, or the device has none
      return;
    }
    setCodes((await self.addPasskey({ ceremony: begun.ceremony, credential, name: name.trim() || texts.passkeyName })).recoveryCodes ?? []);
    setName('');
  });
  if (!known) return <Panel title={texts.title}>{factors.problem ? <ProblemNotice problem={factors.problem} onRetry={factors.reload} /> : <Progress label={common().loading} />}</Panel>;
  return (
    <Panel title={texts.title} heading={heading} test="factors">
      <p class="muted">{texts.text}</p>
      <ProblemNotice problem={factors.problem} />
      <div class="row row-between">
        <div><strong>{texts.app}</strong> <Badge tone={known.totp ? 'good' : undefined}>{known.totp ? texts.on : texts.off}</Badge></div>
        {known.totp
          ? <Removal kind="danger" title={texts.removeApp} text={texts.removeAppText} acts={factors} call={self.removeTOTP} heading={heading} test="totp-remove">{texts.remove}</Removal>
          : <Button onClick={() => void begin()} busy={factors.busy} test="totp-begin">{texts.setUp}</Button>}
      </div>
      {offer && (
        <Form onSubmit={() => void confirm()}>
          <AppKey {...offer} test="totp-secret" />
          <TextField label={texts.code} value={code} onInput={setCode} autocomplete="one-time-code" required test="totp-code" />
          <div><Button kind="primary" type="submit" busy={factors.busy} test="totp-confirm">{texts.confirm}</Button></div>
        </Form>
      )}
      <h3>{texts.passkeys}</h3>
      {known.passkeys.length === 0 && <p class="muted">{texts.noPasskeys}</p>}
      <ul class="people">
        {known.passkeys.map((key) => (
          <li key={key.id} data-test="passkey">
            <span class="grow">{key.name} <span class="muted small">{texts.since(day(key.createdAt))}</span></span>
            <Removal title={texts.removePasskey(key.name)} text={texts.removePasskeyText} acts={factors} call={() => self.removePasskey(key.id)} heading={heading} test="passkey-remove">{texts.remove}</Removal>
          </li>
        ))}
      </ul>
      {hasPasskeys() && (
        <div class="stack-small">
          <TextField label={texts.newName} value={name} onInput={setName} maxLength={100} test="passkey-name" />
          <div><Button onClick={() => void addPasskey()} busy={factors.busy} test="passkey-add">{texts.add}</Button></div>
        </div>
      )}
      {stopped && <Notice tone="warn" test="passkey-stopped">{texts.stopped}</Notice>}
      {(known.totp || known.passkeys.length > 0) && (
        <div class="row row-between">
          <span>{texts.left(known.recoveryCodes)}</span>
          <Button onClick={() => void factors.act(async () => setCodes((await self.newCodes()).recoveryCodes))} busy={factors.busy} test="codes-new">{texts.newCodes}</Button>
        </div>
      )}
      {codes.length > 0 && (
        <Notice tone="warn" test="codes">
          <p>{texts.codes}</p>
          <ul class="mono pre-list">{codes.map((one) => <li key={one}>{one}</li>)}</ul>
        </Notice>
      )}
    </Panel>
  );
}
