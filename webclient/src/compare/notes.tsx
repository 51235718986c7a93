// The investigator's remarks at places of a signature.
import { useRef, useState } from 'preact/hooks';
import { dateTime, number } from '../i18n/format.ts';
import { Button, Dialog, Form, Panel, ProblemNotice, TextField } from '../ui/ui.tsx';
import { addNote, removeNote, writing } from './marks.ts';
import type { Note } from './service.ts';
import { shown } from './state.ts';
import { text } from './text/index.ts';

export function Notes() {
  const texts = text().notes;
  const [words, setWords] = useState('');
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<unknown>();
  const [removing, setRemoving] = useState<Note>();
  const heading = useRef<HTMLHeadingElement>(null);
  const all = shown.value?.notes ?? [];
  // A place with the unit of the signature that it is on.
  const place = (id: string, spot: { x: number; y: number }) => `${number(spot.x, 1)} | ${number(spot.y, 1)} ${text().units.x((shown.value?.items.find((item) => item.id === id)?.device.unitsPerMM ?? 0) > 0)}`;
  const label = (id: string) => shown.value?.items.find((item) => item.id === id)?.label ?? '';
  const number_ = (id: string, index: number) => all.slice(0, index + 1).filter((note) => note.item === id).length;
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
  const at = writing.value;
  // The button that opened the dialog may be gone with its note.
  const closed = () => {
    setRemoving(undefined);
    if (document.activeElement === document.body) heading.current?.focus();
  };
  return (
    <Panel title={texts.title} heading={heading} test="notes">
      {all.length === 0 && <p class="muted">{texts.none}</p>}
      <ol class="notes">
        {all.map((note, i) => (
          <li key={note.id} data-test="note"><strong>{label(note.item)} · {number_(note.item, i)}</strong> <span class="muted small">({place(note.item, note)}{note.at && ` · ${dateTime(note.at)}`})</span> {note.text} <Button kind="plain" label={texts.remove} onClick={() => { setProblem(undefined); setRemoving(note); }} test="note-remove">×</Button></li>
        ))}
      </ol>
      <Dialog title={texts.write} open={at !== undefined} onClose={() => { writing.value = undefined; setProblem(undefined); }} test="note-dialog">
        {at && (
          <Form onSubmit={() => void act(async () => { await addNote(at.item, at.spot, words); writing.value = undefined; setWords(''); })}>
            <p class="small muted">{label(at.item)}: {place(at.item, at.spot)}</p>
            <TextField label={texts.text} value={words} onInput={setWords} lines={3} required test="note-text" />
            <ProblemNotice problem={problem} />
            <div class="row"><Button kind="primary" type="submit" busy={busy} test="note-save">{texts.save}</Button><Button onClick={() => (writing.value = undefined)}>{texts.cancel}</Button></div>
          </Form>
        )}
      </Dialog>
      <Dialog title={texts.removeTitle} open={removing !== undefined} onClose={closed} test="note-remove-dialog">
        {removing && <>
          <p>{removing.text}</p>
          <ProblemNotice problem={problem} />
          <div class="row">
            <Button kind="danger" busy={busy} onClick={() => void act(async () => { await removeNote(removing); setRemoving(undefined); })} test="note-remove-go">{texts.remove}</Button>
            <Button onClick={() => setRemoving(undefined)}>{texts.cancel}</Button>
          </div>
        </>}
      </Dialog>
    </Panel>
  );
}
