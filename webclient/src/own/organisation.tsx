// Signing in at the provider of one's organisation, found by its short name or by
// the domain of an address, and what is said when the provider sent somebody back.
import { useState } from 'preact/hooks';
import { account, Problem } from '../api.ts';
import { Button, Form, Notice, problemText, TextField } from '../ui/ui.tsx';
import { returned } from './state.ts';
import { text } from './text/index.ts';

export function SignInOrganisation({ email }: { email: string }) {
  const texts = text().signIn.organisation;
  const back = returned.value;
  const [open, setOpen] = useState(back !== undefined);
  const [name, setName] = useState('');
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<unknown>();
  const visit = async (ask: () => Promise<{ url: string }>) => {
    setBusy(true);
    setProblem(undefined);
    returned.value = undefined;
    try {
      const { url } = await ask();
      if (!/^https?:\/\//.test(url)) throw new Problem(500, '', '');
      location.assign(url);
    } catch (error) {
      setProblem(error);
      setBusy(false);
    }
  };
  if (!open) return <div><Button onClick={() => { setName(email); setOpen(true); }} test="sso">{texts.go}</Button></div>;
  return (
    <section class="stack" aria-label={texts.go}>
      {back?.problem && (
        <Notice tone="bad" test="sso-problem">
          <p>{texts.problems[back.problem] ?? texts.problems['other']}</p>
          <div class="row">
            <Button onClick={() => void visit(() => account.beginProvider(back.provider, back.problem === ELSEWHERE))} busy={busy} test="sso-again">
              {back.problem === ELSEWHERE ? text().signIn.takeOver : texts.again}
            </Button>
          </div>
        </Notice>
      )}
      <Form onSubmit={() => void visit(() => account.findProvider(name.trim()))}>
        <TextField label={texts.name} value={name} onInput={setName} autocomplete="username" hint={texts.hint} maxLength={320} required test="sso-name" />
        {problem !== undefined && <Notice tone="bad" test="sso-problem">{problem instanceof Problem && problem.status === 404 ? texts.unknown : problemText(problem)}</Notice>}
        <div><Button type="submit" busy={busy} test="sso-go">{texts.on}</Button></div>
      </Form>
    </section>
  );
}

const ELSEWHERE = 'signed-in-elsewhere';
