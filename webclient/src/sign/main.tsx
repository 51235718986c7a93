// The signer's page: one step at a time, and the service decides which.
import { useEffect } from 'preact/hooks';
import type { Ceremony } from '../api.ts';
import { Shell, startPage } from '../ui/shell.tsx';
import { ProblemNotice, Progress } from '../ui/ui.tsx';
import { Agreements } from './agreements.tsx';
import { Consents } from './consent.tsx';
import { Declined, Done, Elsewhere, NoLink, Sealing } from './end.tsx';
import { Hand } from './hand.tsx';
import { Prove } from './prove.tsx';
import { Intro, Read } from './read.tsx';
import './sign.css';
import { ceremony, enough, openCeremony, opening, problem, restarting, stage } from './state.ts';
import { Confirm, Enrol, Sign, TypeName } from './steps.tsx';
import { text } from './text/index.ts';

function App() {
  const texts = text();
  useEffect(() => {
    document.title = `${texts.title} · Inkwitness`;
  }, [texts]);
  const state = ceremony.value;
  return (
    <Shell width={stage.value === 'read' || state?.next === 'fill' ? 'normal' : 'narrow'}>
      {opening.value === 'working' && <Progress label={texts.open.working} />}
      {opening.value === 'failed' && <ProblemNotice problem={problem.value} onRetry={() => void openCeremony()} />}
      {opening.value === 'elsewhere' && <Elsewhere />}
      {opening.value === 'hand' && <Hand />}
      {(opening.value === 'no-link' || opening.value === 'expired') && <NoLink expired={opening.value === 'expired'} />}
      {opening.value === 'open' && state && (
        <div class="stack">
          <Where state={state} />
          {!restarting.value && <Step state={state} />}
          <Agreements />
        </div>
      )}
    </Shell>
  );
}

type View = Ceremony['next'] | 'intro' | 'consent';

function viewOf(state: Ceremony): View {
  if (state.next === 'read') return stage.value;
  if (state.next === 'enrol' && enough.value && state.references.have >= state.references.need) return 'sign';
  return state.next;
}

function Step({ state }: { state: Ceremony }) {
  switch (viewOf(state)) {
    case 'prove': return <Prove state={state} />;
    case 'intro': return <Intro />;
    case 'read': case 'fill': return <Read />;
    case 'consent': return <Consents />;
    case 'enrol': return <Enrol />;
    case 'sign': return <Sign />;
    case 'confirm': return <Confirm />;
    case 'sealing': return <Sealing />;
    case 'done': return <Done />;
    case 'declined': return <Declined />;
    case 'type': return <TypeName />;
    case 'closed': return <NoLink expired />;
  }
}

function Where({ state }: { state: Ceremony }) {
  const names = text().steps;
  const view = viewOf(state);
  const order: View[][] = [['intro', 'read', 'fill'], ['consent'], ['enrol'], ['sign', 'confirm', 'type'], ['sealing', 'done']];
  const current = order.findIndex((views) => views.includes(view));
  if (current < 0) return null;
  const steps = [names.read, names.consent, names.enrol, names.sign, names.done];
  const at = view === 'done' ? order.length : current;
  return (
    <ol class="steps" aria-label={names.label}>
      {steps.map((step, i) => (
        <li key={step} data-state={i < at ? 'done' : 'open'} aria-current={i === at ? 'step' : undefined}><span>{step}</span></li>
      ))}
    </ol>
  );
}

void startPage(App).then(openCeremony);
