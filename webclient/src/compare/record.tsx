// Where everything comes from and what was done with it: context, hashes,
// verification, chain of custody, copies to take away, the report.
import { useState } from 'preact/hooks';
import { exactTime, number } from '../i18n/format.ts';
import { language, LANGUAGES, type Language } from '../i18n/index.ts';
import { Button, Dialog, Form, Notice, Panel, ProblemNotice, Select, TextField } from '../ui/ui.tsx';
import { send } from '../api.ts';
import { save } from '../download.ts';
import { words } from './casetext/index.ts';
import { Checks } from './checks.tsx';
import { EndCase } from './items.tsx';
import { OpeningFacts } from './openings.tsx';
import { leave } from './place.ts';
import { disputes, type ExportFormat, type Item } from './service.ts';
import { reload, shown } from './state.ts';

const FORMATS: Record<ExportFormat, string> = { csv: 'CSV', json: 'JSON', inkml: 'InkML', 'iso-19794-7': 'ISO/IEC 19794-7' };

export function RecordTab() {
  const dispute = shown.value;
  if (!dispute) return null;
  return <><div class="no-print"><Report /></div><Origins /><OpeningsOf /><Custody /><div class="stack no-print"><HandOver /><Panel title={words().items.end}><p class="small">{words().items.endText}</p><EndCase /></Panel></div></>;
}

// Fetches first, so that a refusal is told here and not on another page.
async function download(url: string, fallback: string): Promise<void> {
  const response = await send('GET', url);
  const name = /filename="?([^";]+)"?/.exec(response.headers.get('Content-Disposition') ?? '')?.[1] ?? fallback;
  save(await response.blob(), name);
}

function Report() {
  const texts = words().record;
  const [tag, setTag] = useState<Language>(language.value);
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<unknown>();
  const dispute = shown.value!;
  const make = async () => {
    setBusy(true);
    setProblem(undefined);
    try {
      await download(disputes.reportURL(dispute.id, tag), `report-${dispute.reference}.pdf`);
      await reload();
    } catch (error) {
      setProblem(error);
    }
    setBusy(false);
  };
  return (
    <Panel title={texts.report} test="report" tools={<Button onClick={() => window.print()} test="print">{texts.print}</Button>}>
      <p>{texts.reportText}</p>
      {dispute.items.some((item) => !item.readable) && <Notice tone="warn">{texts.reportClosed}</Notice>}
      <ProblemNotice problem={problem} />
      <div class="toolbar">
        <Select<Language> label={texts.reportLanguage} value={tag} options={LANGUAGES} onChange={setTag} test="report-language" />
        <Button kind="primary" busy={busy} onClick={() => void make()} test="report-make">{texts.reportMake}</Button>
      </div>
    </Panel>
  );
}

function Origins() {
  const texts = words().record;
  const items = words().items;
  return (
    <Panel title={texts.origins} test="provenance">
      <p class="small muted">{texts.originsText}</p>
      {shown.value!.items.map((item) => (
        <section key={item.id} class="item stack-small" aria-label={item.label}>
          <div class="row row-between"><h3>{item.label} · {items.partNames[item.part]}</h3>{item.readable && <Exports item={item} />}</div>
          <dl class="facts small">
            <dt>{texts.from}</dt><dd>{item.origin === 'deposit' ? items.ofDocument(item.title ?? '', item.name) : items.ofFile(item.filename ?? '', items.formats[item.format ?? ''] ?? '')}</dd>
            {item.note && <><dt>{items.origin}</dt><dd>{item.note}</dd></>}
            {item.signedAt && <><dt>{texts.signed}</dt><dd>{exactTime(item.signedAt)}</dd></>}
            <dt>{items.added}</dt><dd>{exactTime(item.addedAt)}</dd>
            <dt>{item.origin === 'file' ? texts.fileHash : texts.penHash}</dt><dd class="mono">{item.sha256}</dd>
            {item.fileSha256 && item.fileSha256 !== item.sha256 && <><dt>{texts.fileHash}</dt><dd class="mono">{item.fileSha256}</dd></>}
            {item.timeline?.pen && <><dt>{texts.clock}</dt><dd>{texts.clockText(item.timeline.pen.method, number(item.timeline.pen.uncertaintyMicros / 1000, 1))}</dd></>}
            {(item.timeline?.media ?? []).map((track) => (
              <><dt>{track.track} {track.segment}</dt><dd>{track.codec}, {texts.frames(number(track.frames))}, {texts.clockText(track.method, number(track.uncertaintyMicros / 1000, 1))}</dd></>
            ))}
          </dl>
          {item.checks && <Checks report={item.checks} />}
        </section>
      ))}
    </Panel>
  );
}

function Exports({ item }: { item: Item }) {
  const [problem, setProblem] = useState<unknown>();
  const [busy, setBusy] = useState(false); // each export is a line of the record
  const take = async (format: ExportFormat) => {
    setBusy(true);
    setProblem(undefined);
    try {
      await download(disputes.exportURL(shown.value!.id, item.id, format), `${item.label}.${format}`);
      await reload();
    } catch (error) {
      setProblem(error);
    }
    setBusy(false);
  };
  return (
    <div class="row tight">
      {(Object.keys(FORMATS) as ExportFormat[]).map((format) => (
        <Button key={format} kind="plain" busy={busy} label={words().record.exportAs(item.label, FORMATS[format])} test={`export-${format}`}
          onClick={() => void take(format)}>{FORMATS[format]}</Button>
      ))}
      <ProblemNotice problem={problem} />
    </div>
  );
}

// A colleague goes on with the case. What two people agreed to open was for this one alone.
function HandOver() {
  const texts = words().record.handOver;
  const [email, setEmail] = useState('');
  const [asking, setAsking] = useState(false);
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<unknown>();
  const give = async () => {
    const id = shown.value!.id;
    setBusy(true);
    setProblem(undefined);
    try {
      await disputes.handOver(id, email.trim());
      leave(id);
    } catch (error) {
      setAsking(false);
      setProblem(error);
      setBusy(false);
    }
  };
  return (
    <Panel title={texts.title} test="hand-over">
      <p class="small">{texts.text}</p>
      <Form onSubmit={() => setAsking(true)}>
        <TextField label={texts.email} type="email" value={email} onInput={setEmail} autocomplete="off" required test="hand-over-email" />
        <ProblemNotice problem={problem} />
        <div><Button type="submit" test="hand-over-ask">{texts.go}</Button></div>
      </Form>
      <Dialog title={texts.title} open={asking} onClose={() => setAsking(false)}>
        <p>{texts.sure(email.trim())}</p>
        <div class="row">
          <Button kind="primary" busy={busy} onClick={() => void give()} test="hand-over-go">{texts.go}</Button>
          <Button onClick={() => setAsking(false)}>{words().items.cancel}</Button>
        </div>
      </Dialog>
    </Panel>
  );
}

function OpeningsOf() {
  const texts = words().record;
  const all = shown.value!.openings;
  return (
    <Panel title={texts.openings}>
      {all.length === 0 && <p class="muted">{texts.noOpenings}</p>}
      {all.map((one) => <OpeningFacts key={one.id} opening={one} />)}
    </Panel>
  );
}

function Custody() {
  const texts = words().record;
  return (
    <Panel title={texts.custody} test="custody">
      <p class="small muted">{texts.custodyText}</p>
      <div class="table-scroll" tabIndex={0} role="region" aria-label={texts.custody}>
        <table class="table small">
          <thead><tr><th scope="col" class="number">{texts.line}</th><th scope="col">{texts.when}</th><th scope="col">{texts.what}</th><th scope="col">{texts.who}</th><th scope="col">{texts.detail}</th><th scope="col">{texts.hash}</th></tr></thead>
          <tbody>{shown.value!.custody.map((one) => (
            <tr key={one.seq}><td class="number">{number(one.seq)}</td><td>{exactTime(one.at)}</td><td>{texts.kinds[one.kind] ?? one.kind}</td><td>{one.by}</td>
              <td class="lines">{Object.entries(one.detail ?? {}).filter(([name]) => !['opening', 'case', 'signer', 'run'].includes(name)).map(([name, value]) => `${texts.details[name] ?? name}: ${value}`).join('\n')}</td><td class="mono" title={one.hash}>{one.hash.slice(0, 12)}</td></tr>
          ))}</tbody>
        </table>
      </div>
    </Panel>
  );
}
