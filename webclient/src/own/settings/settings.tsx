// One's own account and the organisation's rules, one panel each.
import { useState } from 'preact/hooks';
import { common } from '../../i18n/common/index.ts';
import { type Language, LANGUAGES } from '../../i18n/index.ts';
import { type Organisation, people, type Profile, self } from '../../people.ts';
import { Button, Check, Dialog, Form, Notice, Panel, ProblemNotice, Progress, Select, TextField } from '../../ui/ui.tsx';
import { signOut, who } from '../state.ts';
import { FactorsPanel } from './factors.tsx';
import { type Loaded, ProofDialog, useActs, useLoaded } from './load.tsx';
import { Keys, SignInProvider, Webhooks } from './programs.tsx';
import { text } from './text/index.ts';

export function Settings() {
  const role = who.value?.role;
  const leads = role === 'owner' || role === 'admin';
  return (
    <div class="stack" data-test="settings">
      <h1>{text().settings.title}</h1>
      <ProofDialog />
      <ProfilePanel />
      <PasswordPanel />
      <FactorsPanel />
      <SessionPanel />
      {role === 'owner' && <OrganisationPanel />}
      {leads && <Keys />}
      {leads && <Webhooks />}
      {role === 'owner' && <SignInProvider />}
      <LeavePanel />
    </div>
  );
}

function ProfilePanel() {
  const texts = text().settings.profile;
  const profile = useLoaded(self.profile);
  return (
    <Panel title={texts.title} test="profile">
      {!profile.value && !profile.problem && <Progress label={common().loading} />}
      {!profile.value && <ProblemNotice problem={profile.problem} onRetry={profile.reload} />}
      {profile.value && <ProfileForm known={profile.value} profile={profile} />}
    </Panel>
  );
}

// Begins with what is known and keeps what is written in it: an answer never writes into it.
function ProfileForm({ known, profile }: { known: Profile; profile: Loaded<Profile> }) {
  const texts = text().settings.profile;
  const [name, setName] = useState(known.name);
  const [phone, setPhone] = useState(known.phone ?? '');
  const [tongue, setTongue] = useState(known.language as Language);
  const [email, setEmail] = useState(known.email);
  const [told, setTold] = useState('');
  const save = async () => {
    setTold('');
    const moved = email.trim() !== known.email;
    const done = await profile.act(async () => {
      await self.setProfile({ name: name.trim(), language: tongue, ...(phone.trim() !== (known.phone ?? '') ? { phone: phone.trim() } : {}) });
      if (moved) await self.newEmail(email.trim());
    });
    if (!done) return;
    setTold(moved ? texts.confirm(email.trim()) : text().settings.saved);
    if (moved) setEmail(known.email); // until the new one is confirmed
  };
  return (
    <Form onSubmit={() => void save()}>
      <TextField label={texts.name} value={name} onInput={setName} autocomplete="name" required test="profile-name" />
      <TextField label={texts.email} type="email" value={email} onInput={setEmail} autocomplete="email" required test="profile-email" />
      <TextField label={texts.phone} value={phone} onInput={setPhone} autocomplete="tel" hint={texts.phoneHint} test="profile-phone" />
      <Select<Language> label={texts.language} value={tongue} options={LANGUAGES} onChange={setTongue} test="profile-language" />
      <ProblemNotice problem={profile.problem} />
      {told && <Notice tone="good" test="profile-saved">{told}</Notice>}
      <div><Button kind="primary" type="submit" busy={profile.busy} test="profile-save">{text().settings.save}</Button></div>
    </Form>
  );
}

function PasswordPanel() {
  const texts = text().settings.password;
  const [current, setCurrent] = useState('');
  const [password, setPassword] = useState('');
  const [done, setDone] = useState(false);
  const acts = useActs();
  const change = async () => {
    setDone(false);
    if (!(await acts.act(() => self.setPassword({ current, password })))) return;
    setDone(true);
    setCurrent('');
    setPassword('');
  };
  return (
    <Panel title={texts.title} test="password">
      <Form onSubmit={() => void change()}>
        <TextField label={texts.current} type="password" value={current} onInput={setCurrent} autocomplete="current-password" required test="password-current" />
        <TextField label={texts.next} type="password" value={password} onInput={setPassword} autocomplete="new-password" required hint={texts.hint} test="password-new" />
        <ProblemNotice problem={acts.problem} />
        {done && <Notice tone="good" test="password-changed">{texts.done}</Notice>}
        <div><Button type="submit" busy={acts.busy} test="password-go">{texts.go}</Button></div>
      </Form>
    </Panel>
  );
}

// There is one session an account at a time; this says so and ends it.
function SessionPanel() {
  const texts = text().settings.session;
  return (
    <Panel title={texts.title} test="session">
      <p>{texts.text}</p>
      <div><Button onClick={() => void signOut()}>{texts.end}</Button></div>
    </Panel>
  );
}

function OrganisationPanel() {
  const texts = text().settings.organisation;
  const organisation = useLoaded(people.organisation);
  return (
    <Panel title={texts.title} test="organisation">
      {!organisation.value && !organisation.problem && <Progress label={common().loading} />}
      {!organisation.value && <ProblemNotice problem={organisation.problem} onRetry={organisation.reload} />}
      {organisation.value && <OrganisationForm known={organisation.value} organisation={organisation} />}
    </Panel>
  );
}

function OrganisationForm({ known, organisation }: { known: Organisation; organisation: Loaded<Organisation> }) {
  const texts = text().settings.organisation;
  const [name, setName] = useState(known.name);
  const [controller, setController] = useState(known.controller);
  const [saved, setSaved] = useState(false);
  const save = async (part: Parameters<typeof people.setOrganisation>[0]) => setSaved(await organisation.act(() => people.setOrganisation(part)));
  return (
    <Form onSubmit={() => void save({ name: name.trim(), controller: controller.trim() })}>
      <TextField label={texts.name} value={name} onInput={setName} required test="organisation-name" />
      <TextField label={texts.controller} value={controller} onInput={setController} lines={2} hint={texts.controllerHint} test="organisation-controller" />
      <Check label={texts.secondFactor} checked={known.secondFactor} disabled={organisation.busy} onChange={(secondFactor) => void save({ secondFactor })} test="organisation-second-factor" />
      <ProblemNotice problem={organisation.problem} />
      {saved && <Notice tone="good" test="organisation-saved">{text().settings.saved}</Notice>}
      <div><Button type="submit" busy={organisation.busy} test="organisation-save">{text().settings.save}</Button></div>
    </Form>
  );
}

function LeavePanel() {
  const texts = text().settings.leave;
  const [asking, setAsking] = useState(false);
  const acts = useActs();
  const leave = async () => {
    setAsking(false);
    if (await acts.act(self.deleteAccount)) await signOut();
  };
  return (
    <Panel title={texts.title} test="leave">
      <p>{texts.text}</p>
      <ProblemNotice problem={acts.problem} />
      <div><Button kind="danger" onClick={() => setAsking(true)} test="leave-account">{texts.go}</Button></div>
      <Dialog title={texts.title} open={asking} onClose={() => setAsking(false)}>
        <p>{texts.sure}</p>
        <div class="row">
          <Button kind="danger" onClick={() => void leave()} busy={acts.busy} test="leave-confirm">{texts.go}</Button>
          <Button onClick={() => setAsking(false)}>{common().cancel}</Button>
        </div>
      </Dialog>
    </Panel>
  );
}
