// A download that says how far it is, can be stopped, and goes on where it stopped.
import { useRef, useState } from 'preact/hooks';
import { Arrived, download, type Progress as Received, save } from '../download.ts';
import { size } from '../i18n/format.ts';
import { Button, ProblemNotice, Progress } from '../ui/ui.tsx';
import { ended } from './state.ts';
import { text } from './text/index.ts';

export function Fetch({ url, name, label, test, primary }: { url: string; name: string; label: string; test: string; primary?: boolean }) {
  const texts = text();
  const arrived = useRef(new Arrived());
  const abort = useRef<AbortController | undefined>(undefined);
  const [progress, setProgress] = useState<Received>();
  const [running, setRunning] = useState(false);
  const [problem, setProblem] = useState<unknown>();
  const run = async () => {
    const stop = (abort.current = new AbortController());
    setProblem(undefined);
    setRunning(true);
    try {
      save(await download(url, setProgress, stop.signal, arrived.current), name);
      arrived.current = new Arrived();
      setProgress(undefined);
    } catch (error) {
      if (!stop.signal.aborted && !ended(error)) setProblem(error);
    }
    setRunning(false);
  };
  const part = progress && progress.total > 0 ? progress : undefined;
  return (
    <div class="stack-small">
      <div class="row">
        <Button kind={primary ? 'primary' : 'normal'} onClick={() => void run()} busy={running} test={test}>{part && !running ? texts.deposits.goOn : label}</Button>
        {running && part && <Button kind="plain" onClick={() => abort.current?.abort()} test={`${test}-stop`}>{texts.deposits.stop}</Button>}
      </div>
      {part && <Progress label={texts.document.downloading(size(part.received), size(part.total))} value={part.received} max={part.total} />}
      <ProblemNotice problem={problem} />
    </div>
  );
}
