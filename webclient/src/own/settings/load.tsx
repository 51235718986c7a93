// What the pages of members and settings share: loading, acting, and proving
// anew that it is you where an act asks for it.
import { useEffect, useState } from 'preact/hooks';
import { signal } from '@preact/signals';
import { Problem } from '../../api.ts';
import { common } from '../../i18n/common/index.ts';
import { hasPasskeys, usePasskey } from '../../passkey.ts';
import { self } from '../../people.ts';
import { Button, Dialog, Form, ProblemNotice, TextField } from '../../ui/ui.tsx';
import { ended } from '../state.ts';
import { text } from './text/index.ts';

export interface Acts {
  problem: unknown;
  busy: boolean;
  act(call: () => Promise<unknown>): Promise<boolean>; // whether it was done
}

export interface Loaded<T> extends Acts {
  value: T | undefined;
  reload(): void; // as it does by itself after an act
}

export function useActs(after?: () => Promise<void>): Acts & { fail(error: unknown): void; clear(): void } {
  const [problem, setProblem] = useState<unknown>();
  const [busy, setBusy] = useState(false);
  const fail = (error: unknown) => { if (!ended(error)) setProblem(error); };
  const clear = () => setProblem(undefined);
  const act = async (call: () => Promise<unknown>) => {
    setBusy(true);
    clear();
    try {
      await proven(call);
      await after?.();
      return true;
    } catch (error) {
      fail(error);
      return false;
    } finally {
      setBusy(false);
    }
  };
  return { problem, busy, act, fail, clear };
}

export function useLoaded<T>(load: () => Promise<T>): Loaded<T> {
  const [value, setValue] = useState<T>();
  const reload = () => load().then((next) => { setValue(next); acts.clear(); }, acts.fail);
  const acts = useActs(reload);
  useEffect(() => void reload(), []);
  return { ...acts, value, reload: () => void reload() };
}

// The acts that wait for a proof: the dialog resolves them, all at once.
const waiting = signal<readonly ((proved: boolean) => void)[]>([]);

export async function proven<T>(call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    if (!(error instanceof Problem) || error.code !== 'step-up') throw error;
    const proved = await new Promise<boolean>((resolve) => (waiting.value = [...waiting.value, resolve]));
    if (!proved) throw error;
    return call();
  }
}

export function ProofDialog() {
  const texts = text().proof;
  const [password, setPassword] = useState('');
  const [code, setCode] = useState('');
  const [problem, setProblem] = useState<unknown>();
  const close = (proved: boolean) => {
    setPassword('');
    setCode('');
    setProblem(undefined);
    const all = waiting.value;
    waiting.value = [];
    for (const resolve of all) resolve(proved);
  };
  useEffect(() => () => close(false), []); // who leaves the page proves nothing for it
  const attempt = async (call: () => Promise<void>) => {
    try {
      await call();
      close(true);
    } catch (error) {
      // 401 is a wrong password here, and not the end of the session.
      setProblem(error instanceof Problem && error.status === 401 ? new Problem(422, error.code, error.message, error.detail) : error);
    }
  };
  const prove = () => attempt(() => self.prove({ ...(password ? { password } : {}), ...(code ? { code } : {}) }));
  const withPasskey = async () => {
    const offer = await self.beginProof().catch(setProblem);
    const credential = offer && await usePasskey(offer).catch(() => undefined); // the browser's dialog was closed
    if (offer && credential) await attempt(() => self.provePasskey({ ceremony: offer.ceremony, credential }));
  };
  return (
    <Dialog title={texts.title} open={waiting.value.length > 0} onClose={() => close(false)} test="proof">
      <p>{texts.text}</p>
      <Form onSubmit={() => void prove()}>
        <TextField label={texts.password} type="password" value={password} onInput={setPassword} autocomplete="current-password" test="proof-password" />
        <TextField label={texts.code} value={code} onInput={setCode} autocomplete="one-time-code" hint={texts.codeHint} test="proof-code" />
        <ProblemNotice problem={problem} />
        <div class="row">
          <Button kind="primary" type="submit" disabled={!password && !code} test="proof-go">{texts.go}</Button>
          {hasPasskeys() && <Button onClick={() => void withPasskey()} test="proof-passkey">{texts.passkey}</Button>}
          <Button onClick={() => close(false)}>{common().cancel}</Button>
        </div>
      </Form>
    </Dialog>
  );
}
