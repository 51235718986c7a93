// The investigator's page: cases, the openings of evidence, and the comparison.
import { useEffect, useState } from 'preact/hooks';
import { Shell, startPage } from '../ui/shell.tsx';
import { Empty, Notice, Panel, Progress } from '../ui/ui.tsx';
import './compare.css';
import { longDay } from '../i18n/format.ts';
import { AskPage } from './ask.tsx';
import { Cases } from './cases.tsx';
import { words } from './casetext/index.ts';
import { Alignment, useAlignment } from './connectors.tsx';
import { Failure } from './failure.tsx';
import { Face } from './face.tsx';
import { Features, QualityPanel, Runs, Statistics, Verdict } from './findings.tsx';
import { Inspector } from './inspector.tsx';
import { Signatures } from './items.tsx';
import { writing } from './marks.ts';
import { Notes } from './notes.tsx';
import { Openings } from './openings.tsx';
import { place, type Tab, TABS } from './place.ts';
import { Plots } from './plots.tsx';
import { RecordTab } from './record.tsx';
import { Looks, Replay, Selfie, Tools } from './replay.tsx';
import { disputes } from './service.ts';
import { Measured, Placement, References, Sheets, Unscaled } from './sheets.tsx';
import { loadSamples, mode, putAway, questionedItem, referenceItem, shown, take, unscaled } from './state.ts';
import { text } from './text/index.ts';

function App() {
  const texts = words();
  const at = place.value;
  useEffect(() => {
    document.title = `${at.at === 'case' && shown.value ? `${shown.value.reference} · ` : ''}${texts.title} · Inkwitness`;
  }, [texts, at, shown.value?.reference]);
  const nav = [
    { href: '/', label: texts.nav.documents, current: false },
    { href: '#', label: texts.nav.cases, current: at.at !== 'openings', test: 'nav-cases' },
    { href: '#openings', label: texts.nav.openings, current: at.at === 'openings', test: 'nav-openings' },
  ];
  return (
    <Shell home="/" nav={nav} width={at.at === 'case' ? 'wide' : 'normal'}>
      {at.at === 'cases' && <Cases />}
      {at.at === 'openings' && <Openings />}
      {at.at === 'ask' && <AskPage key={`${at.document}/${at.signer}`} document={at.document} signer={at.signer} />}
      {at.at === 'case' && <CasePage key={at.id} id={at.id} tab={at.tab} />}
    </Shell>
  );
}

function CasePage({ id, tab }: { id: string; tab: Tab }) {
  const texts = words();
  const [problem, setProblem] = useState<unknown>();
  const load = () => disputes.get(id).then((next) => { setProblem(undefined); take(next); }, setProblem);
  useEffect(() => {
    void load();
    return () => {
      putAway();
      writing.value = undefined;
    };
  }, []);
  if (problem !== undefined) return <Failure problem={problem} retry={() => void load()} />;
  const dispute = shown.value;
  if (dispute?.id !== id) return <Progress label={texts.loading} />;
  return (
    <div class="stack" data-test="case" data-tab={tab}>
      <div>
        <h1>{texts.heading(dispute.reference)}</h1>
        <p class="muted clip">{dispute.question}</p>
        <p class="small muted">{texts.keptUntil(longDay(dispute.keepUntil.slice(0, 10)))}</p>
      </div>
      <nav class="tabs" aria-label={texts.heading(dispute.reference)}>
        {TABS.map((name) => <a key={name} href={`#case/${id}/${name}`} aria-current={name === tab ? 'page' : undefined} data-test={`tab-${name}`}>{texts.tabs[name]}</a>)}
      </nav>
      {tab === 'signatures' && <Signatures />}
      {tab === 'compare' && <WithSamples id={id}><Workbench /></WithSamples>}
      {tab === 'findings' && <WithSamples id={id}><Runs /><Verdict /><Statistics /><Features /><Face /><QualityPanel /></WithSamples>}
      {tab === 'record' && <RecordTab />}
    </div>
  );
}

// Reading samples is an event of its own, so they are asked for where they are needed.
function WithSamples({ id, children }: { id: string; children: preact.ComponentChildren }) {
  const [state, setState] = useState<'loading' | 'ready'>('loading');
  const [problem, setProblem] = useState<unknown>();
  const load = () => {
    setProblem(undefined);
    loadSamples().then(() => setState('ready'), setProblem);
  };
  useEffect(load, [id]);
  if (problem !== undefined) return <Failure problem={problem} retry={load} />;
  return state === 'ready' ? <>{children}</> : <Progress label={words().loading} />;
}

function Workbench() {
  const texts = text();
  useAlignment();
  if (!questionedItem.value) return <Panel><Empty title={words().items.emptyTitle} text={words().items.nothingToRead} test="compare-nothing"><a class="button button-primary" href={`#case/${shown.value!.id}/signatures`}>{words().tabs.signatures}</a></Empty></Panel>;
  return (
    <div class="stack" data-test="compare">
      <Panel title={texts.sheets.title}>
        <Looks />
        <Unscaled />
        {mode.value !== 'beside' && referenceItem.value && <Placement />}
        <Tools />
        <Measured />
        <Sheets />
        <p class="visually-hidden" id="sheet-keys">{texts.tools.keys}</p>
        <Replay />
        <Selfie />
        <details class="small no-print"><summary>{texts.tools.keysTitle}</summary><p>{texts.tools.keys}</p></details>
        <h3>{unscaled.value.length === 0 ? texts.sheets.referencesTitle : texts.sheets.referencesApart}</h3>
        <References />
        {!referenceItem.value && <Notice>{texts.sheets.addReferences}</Notice>}
      </Panel>
      <div class="pair"><Inspector /><Notes /></div>
      <Panel title={texts.plots.title}><p class="small muted">{texts.plots.text}</p><Plots /></Panel>
      <Alignment />
    </div>
  );
}

void startPage(App);
