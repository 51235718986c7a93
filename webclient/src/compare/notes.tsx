// The investigator's remarks at places of a signature.
import { useState } from 'preact/hooks';
import { dateTime, number } from '../i18n/format.ts';
import { Button, Dialog, Form, Panel, ProblemNotice, TextField } from '../ui/ui.tsx';
import { addNote, removeNote, writing } from './marks.ts';
import { shown } from './state.ts';
import { text } from './text/index.ts';

export function Notes() {
  const texts = text().notes;
  const [words, setWords] = useState('');
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<unknown>();
  const all = shown.value?.notes ?? [];
  const label = (id: string) => shown.value?.items.find((item) => item.id === id)?.label ?? '';
  const number_ = (id: string, index: number) => all.slice(0, index + 1).filter((note) => note.item === id).length;
  const act = async (call: () => Promise<void>) => {
    setBusy(true);
    setProblem(undefined);
    try {
      await call();
      writing.value = undefined;
      setWords('');
    } catch (error) {
      setProblem(error);
    }
    setBusy(false);
  };
  const at = writing.value;
  return (
    <Panel title={texts.title} test="notes">
      {all.length === 0 && <p class="muted">{texts.none}</p>}
      <ol class="notes">
        {all.map((note, i) => (
          <li key={note.id} data-test="note"><strong>{label(note.item)} · {number_(note.item, i)}</strong> <span class="muted small">({number(note.x, 1)} | {number(note.y, 1)}{note.at && ` · ${dateTime(note.at)}`})</span> {note.text} <Button kind="plain" label={texts.remove} busy={busy} onClick={() => void act(() => removeNote(note))} test="note-remove">×</Button></li>
        ))}
      </ol>
      {!at && <ProblemNotice problem={problem} />}
      <Dialog title={texts.write} open={at !== undefined} onClose={() => (writing.value = undefined)} test="note-dialog">
        {at && (
          <Form onSubmit={() => void act(() => addNote(at.item, at.spot, words))}>
            <p class="small muted">{label(at.item)}: {number(at.spot.x, 1)} | {number(at.spot.y, 1)}</p>
            <TextField label={texts.text} value={words} onInput={setWords} lines={3} required test="note-text" />
            <ProblemNotice problem={problem} />
            <div class="row"><Button kind="primary" type="submit" busy={busy} test="note-save">{texts.save}</Button><Button onClick={() => (writing.value = undefined)}>{texts.cancel}</Button></div>
          </Form>
        )}
      </Dialog>
    </Panel>
  );
}
