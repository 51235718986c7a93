// The owner's page: documents, deposits, mails.
import { useEffect, useLayoutEffect } from 'preact/hooks';
import { Shell, startPage } from '../ui/shell.tsx';
import { Button, ProblemNotice, Progress } from '../ui/ui.tsx';
import { Problem } from '../api.ts';
import { ActivityPage } from './activity.tsx';
import { Deposits } from './deposits.tsx';
import { DocumentPage } from './document.tsx';
import { Documents } from './documents.tsx';
import { Accept, Reset, SignIn } from './enter.tsx';
import { Outbox } from './outbox.tsx';
import './own.css';
import { Members } from './settings/members.tsx';
import { Settings } from './settings/settings.tsx';
import { text as settings } from './settings/text/index.ts';
import { findSession, notOut, place, session, signOut, who } from './state.ts';
import { text } from './text/index.ts';

function App() {
  const texts = text();
  const at = place.value;
  useEffect(() => {
    document.title = `${texts.title} · Inkwitness`;
  }, [texts]);
  useLayoutEffect(() => window.scrollTo(0, 0), [at]); // before it is seen
  if (at.at === 'invitation') return <Shell width="narrow"><Accept token={at.token} /></Shell>;
  if (at.at === 'reset') return <Shell width="narrow"><Reset token={at.token} /></Shell>;
  if (session.value === 'working') return <Shell width="narrow"><Progress label={texts.title} /></Shell>;
  if (session.value === 'failed') return <Shell width="narrow"><ProblemNotice problem={new Problem(0, '', '')} onRetry={() => void findSession()} /></Shell>;
  if (session.value === 'out') return <Shell width="narrow"><SignIn /></Shell>;
  const nav = [
    { href: '#/', label: texts.nav.documents, current: at.at === 'documents' || at.at === 'document', test: 'nav-documents' },
    { href: '#/deposits', label: texts.deposits.title, current: at.at === 'deposits', test: 'nav-deposits' },
    { href: '#/outbox', label: texts.nav.outbox, current: at.at === 'outbox', test: 'nav-outbox' },
    { href: '#/activity', label: texts.record.title, current: at.at === 'activity', test: 'nav-activity' },
    { href: '#/members', label: settings().members.title, current: at.at === 'members', test: 'nav-members' },
    { href: '#/settings', label: settings().settings.title, current: at.at === 'settings', test: 'nav-settings' },
    { href: '/verify', label: texts.nav.verify, current: false, test: 'nav-verify' },
  ];
  return (
    <Shell home="#/" nav={nav} width={at.at === 'document' ? 'wide' : 'normal'}
      tools={<><span class="small muted" data-test="account">{who.value?.name}</span><Button onClick={() => void signOut()} test="sign-out">{texts.nav.signOut}</Button></>}>
      <ProblemNotice problem={notOut.value} onRetry={() => void signOut()} />
      {at.at === 'documents' && <Documents />}
      {at.at === 'document' && <DocumentPage key={at.id} id={at.id} />}
      {at.at === 'deposits' && <Deposits />}
      {at.at === 'outbox' && <Outbox />}
      {at.at === 'activity' && <ActivityPage />}
      {at.at === 'members' && <Members />}
      {at.at === 'settings' && <Settings />}
    </Shell>
  );
}

void findSession();
void startPage(App);
