// Erasing what was recorded or enrolled of one person, on their request.
import { useState } from 'preact/hooks';
import { type Document, documents, type Erasable, type Signer, type SignerState } from '../api.ts';
import { common } from '../i18n/common/index.ts';
import { Button, Dialog, Form, Notice, ProblemNotice, TextField } from '../ui/ui.tsx';
import { proven } from './settings/load.tsx';
import { ended, who } from './state.ts';
import { text } from './text/index.ts';

const ERASERS = ['owner', 'admin', 'manager']; // roles; the service refuses the others

// Before they agree to it, nothing is recorded or enrolled of signers.
const NOTHING_YET: SignerState[] = ['waiting', 'invited', 'opened'];

export const mayErase = (): boolean => ERASERS.includes(who.value?.role ?? '');

export function Erase({ document, signer, onChange }: { document: Document; signer: Signer; onChange: () => void }) {
  const texts = text().erase;
  const recorded = document.state === 'completed' && signer.state === 'signed' && !signer.typed && !signer.erasedAt;
  const [open, setOpen] = useState(false);
  const [what, setWhat] = useState<Erasable>(recorded ? 'recording' : 'references');
  const [reason, setReason] = useState('');
  const [busy, setBusy] = useState(false);
  const [done, setDone] = useState<boolean>();
  const [problem, setProblem] = useState<unknown>();
  if (!mayErase() || NOTHING_YET.includes(signer.state)) return null;
  const show = () => {
    setWhat(recorded ? 'recording' : 'references');
    setDone(undefined);
    setProblem(undefined);
    setOpen(true);
  };
  const erase = async () => {
    setBusy(true);
    setProblem(undefined);
    try {
      setDone((await proven(() => documents.erase(document.id, signer.id, what, reason.trim()))).deleted);
      setReason('');
      onChange();
    } catch (error) {
      if (!ended(error)) setProblem(error);
    }
    setBusy(false);
  };
  return (
    <>
      <Button kind="plain" onClick={show} test="erase">{texts.go}</Button>
      <Dialog title={texts.title(signer.name)} open={open} onClose={() => setOpen(false)} test="erase-dialog">
        {done !== undefined
          ? <>
              <Notice tone="good" test="erase-done">{done ? texts.done : texts.soon}</Notice>
              <div><Button onClick={() => setOpen(false)} test="erase-close">{common().close}</Button></div>
            </>
          : <Form onSubmit={() => void erase()}>
              <Choices what={what} recorded={recorded} onChoose={setWhat} />
              <TextField label={texts.reason} hint={texts.reasonHint} value={reason} onInput={setReason} minLength={3} maxLength={200} required test="erase-reason" />
              <p class="muted">{texts.final}</p>
              <ProblemNotice problem={problem} />
              <div class="row">
                <Button kind="danger" type="submit" busy={busy} test="erase-confirm">{texts.confirm}</Button>
                <Button onClick={() => setOpen(false)}>{common().cancel}</Button>
              </div>
            </Form>}
      </Dialog>
    </>
  );
}

function Choices({ what, recorded, onChoose }: { what: Erasable; recorded: boolean; onChoose: (what: Erasable) => void }) {
  const texts = text().erase;
  return (
    <fieldset class="consent stack-small">
      <legend>{texts.what}</legend>
      {(['recording', 'references'] as const).map((each) => (
        <label key={each} class="check">
          <input type="radio" name="erase" checked={what === each} disabled={each === 'recording' && !recorded} onChange={() => onChoose(each)} data-test={`erase-${each}`} />
          <span><strong>{texts.choices[each]}</strong><br />{texts.effects[each]}</span>
        </label>
      ))}
      {!recorded && <p class="small muted">{texts.noRecording}</p>}
    </fieldset>
  );
}
