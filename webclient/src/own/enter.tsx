// Sign-in and the first visit by invitation.
import { useEffect, useState } from 'preact/hooks';
import { account, type Invitation, Problem } from '../api.ts';
import { Button, Check, Empty, Form, Notice, Panel, ProblemNotice, problemText, Progress, TextField } from '../ui/ui.tsx';
import { self } from '../people.ts';
import { hasPasskeys, usePasskey } from '../passkey.ts';
import { AppKey } from './settings/app.tsx';
import { SignInOrganisation } from './organisation.tsx';
import { text as settings } from './settings/text/index.ts';
import { findSession, go } from './state.ts';
import { text } from './text/index.ts';

export function SignIn() {
  const texts = text().signIn;
  const [email, setEmail] = useState('');
  const [password, setPassword] = useState('');
  const [code, setCode] = useState('');
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<unknown>();
  const elsewhere = problem instanceof Problem && problem.code === 'signed-in-elsewhere';
  const [wantsCode, setWantsCode] = useState(false);

  const submit = async (takeOver: boolean) => {
    setBusy(true);
    try {
      await account.signIn({ email, password, ...(code ? { code } : {}), ...(takeOver ? { takeOver } : {}) });
      await findSession();
    } catch (error) {
      setProblem(error);
      if (error instanceof Problem && error.code !== 'not-signed-in' && error.status < 429) setWantsCode(true);
    }
    setBusy(false);
  };
  const withPasskey = async (takeOver: boolean) => {
    setBusy(true);
    setProblem(undefined);
    try {
      const offer = await self.beginSignIn();
      const credential = await usePasskey(offer).catch(() => undefined); // the browser's dialog was closed
      if (credential) {
        await self.passkeySignIn({ ceremony: offer.ceremony, credential, ...(takeOver ? { takeOver } : {}) });
        await findSession();
      }
    } catch (error) {
      setProblem(error);
    }
    setBusy(false);
  };
  return (
    <Panel main title={texts.title} test="sign-in">
      <Form onSubmit={() => void submit(false)}>
        <TextField label={texts.email} type="email" value={email} onInput={setEmail} autocomplete="username" required test="sign-in-email" />
        <TextField label={texts.password} type="password" value={password} onInput={setPassword} autocomplete="current-password" required test="sign-in-password" />
        {wantsCode && <TextField label={texts.code} value={code} onInput={setCode} autocomplete="one-time-code" hint={texts.codeHint} test="sign-in-code" />}
        <SignInProblem problem={problem} />
        <div class="row">
          <Button kind="primary" type="submit" busy={busy} test="sign-in-go">{texts.go}</Button>
          {elsewhere && <Button onClick={() => void submit(true)} busy={busy} test="take-over">{texts.takeOver}</Button>}
        </div>
        {hasPasskeys() && <div><Button onClick={() => void withPasskey(elsewhere)} busy={busy} test="sign-in-passkey">{texts.passkey}</Button></div>}
      </Form>
      <Forgot email={email} />
      <SignInOrganisation email={email} />
      <p class="muted small">{texts.byInvitation}</p>
    </Panel>
  );
}

// The answer is the same whether such an account exists or not.
function Forgot({ email }: { email: string }) {
  const texts = text().signIn;
  const [open, setOpen] = useState(false);
  const [address, setAddress] = useState('');
  const [sent, setSent] = useState(false);
  const [problem, setProblem] = useState<unknown>();
  const send = async () => {
    setProblem(undefined);
    try {
      await account.forgot(address);
      setSent(true);
    } catch (error) {
      setProblem(error);
    }
  };
  if (!open) return <div><Button kind="plain" onClick={() => { setAddress(email); setOpen(true); }} test="forgot">{texts.forgot}</Button></div>;
  if (sent) return <Notice tone="good" test="forgot-sent">{texts.forgotSent}</Notice>;
  return (
    <Form onSubmit={() => void send()}>
      <TextField label={texts.email} type="email" value={address} onInput={setAddress} autocomplete="username" required test="forgot-email" />
      <ProblemNotice problem={problem} />
      <div><Button type="submit" test="forgot-go">{texts.forgotGo}</Button></div>
    </Form>
  );
}

// A new password by the mailed link.
export function Reset({ token }: { token: string }) {
  const texts = text();
  const [password, setPassword] = useState('');
  const [code, setCode] = useState('');
  const [wantsCode, setWantsCode] = useState(false);
  const [done, setDone] = useState(false);
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<unknown>();
  const reset = async () => {
    setBusy(true);
    setProblem(undefined);
    try {
      await account.reset({ token, password, ...(code ? { code } : {}) });
      setDone(true);
    } catch (error) {
      setProblem(error);
      setWantsCode(true);
    }
    setBusy(false);
  };
  return (
    <Panel main title={texts.signIn.resetTitle} test="reset">
      {done
        ? <Notice tone="good" test="reset-done"><p>{texts.signIn.resetDone}</p><p><a class="button" href="#/">{texts.signIn.go}</a></p></Notice>
        : (
          <Form onSubmit={() => void reset()}>
            <TextField label={texts.invite.password} type="password" value={password} onInput={setPassword} autocomplete="new-password" required hint={texts.invite.passwordHint} test="reset-password" />
            {wantsCode && <TextField label={texts.signIn.code} value={code} onInput={setCode} autocomplete="one-time-code" hint={texts.signIn.codeHint} test="reset-code" />}
            <SignInProblem problem={problem} />
            <div><Button kind="primary" type="submit" busy={busy} test="reset-go">{texts.signIn.resetGo}</Button></div>
          </Form>
        )}
    </Panel>
  );
}

// Here a 401 means a wrong password, not an ended session: the service's own words are right.
function SignInProblem({ problem }: { problem: unknown }) {
  if (!problem) return null;
  const own = problem instanceof Problem && !problem.unreachable && problem.status < 500 ? problem.detail : '';
  return <Notice tone="bad" test="problem">{own || problemText(problem)}</Notice>;
}

export function Accept({ token }: { token: string }) {
  const texts = text().invite;
  const { factors } = settings().settings;
  const [invitation, setInvitation] = useState<Invitation>();
  const [bad, setBad] = useState(false);
  const [name, setName] = useState('');
  const [email, setEmail] = useState('');
  const [password, setPassword] = useState('');
  const [second, setSecond] = useState(false); // a second factor is set up at once
  const [code, setCode] = useState('');
  const [recovery, setRecovery] = useState<string[]>([]); // shown once
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<unknown>();

  const enter = async () => {
    go('#/');
    await findSession();
  };
  const look = () => account.invitation(token).then(setInvitation, (error: unknown) => {
    if (error instanceof Problem && error.status >= 400 && error.status < 500 && error.status !== 429) setBad(true);
    else setProblem(error);
  });
  useEffect(() => void look(), [token]);

  const accept = async () => {
    setBusy(true);
    setProblem(undefined);
    try {
      const made = await account.accept({ token, name, password, ...(invitation?.email ? {} : { email }), ...(second ? { totp: code.replace(/\s/g, '') } : {}) });
      if (made?.recoveryCodes?.length) setRecovery(made.recoveryCodes);
      else await enter();
    } catch (error) {
      setProblem(error);
    }
    setBusy(false);
  };

  if (recovery.length > 0) return <Recovery codes={recovery} onGo={() => void enter()} />;
  if (bad) return <Empty main title={texts.bad} text={texts.badText} test="invite-bad" />;
  if (!invitation) return problem ? <ProblemNotice problem={problem} onRetry={() => void look()} /> : <Progress label={texts.title} />;
  return (
    <Panel main title={texts.title} test="invite">
      {invitation.email && <p>{texts.forYou(invitation.email)}</p>}
      <Form onSubmit={() => void accept()}>
        {!invitation.email && <TextField label={text().signIn.email} type="email" value={email} onInput={setEmail} autocomplete="username" required test="invite-email" />}
        <TextField label={texts.name} value={name} onInput={setName} autocomplete="name" required hint={texts.nameHint} test="invite-name" />
        <TextField label={texts.password} type="password" value={password} onInput={setPassword} autocomplete="new-password" required hint={texts.passwordHint} test="invite-password" />
        <Check label={texts.second} checked={second} onChange={setSecond} test="invite-second" />
        {second && (
          <div class="stack-small">
            <AppKey {...invitation.totp} test="invite-secret" />
            <TextField label={factors.code} value={code} onInput={setCode} autocomplete="one-time-code" required test="invite-code" />
          </div>
        )}
        <ProblemNotice problem={problem} />
        <div><Button kind="primary" large type="submit" busy={busy} test="invite-accept">{texts.go}</Button></div>
      </Form>
    </Panel>
  );
}

function Recovery({ codes, onGo }: { codes: string[]; onGo: () => void }) {
  return (
    <Panel main title={text().invite.title} test="invite-codes">
      <Notice tone="warn">
        <p>{settings().settings.factors.codes}</p>
        <ul class="mono pre-list">{codes.map((one) => <li key={one}>{one}</li>)}</ul>
      </Notice>
      <div><Button kind="primary" large onClick={onGo} test="invite-codes-kept">{text().invite.codesKept}</Button></div>
    </Panel>
  );
}
