// Who belongs to the organisation, what they may do, and who is invited.
import { useEffect, useRef, useState } from 'preact/hooks';
import { common } from '../../i18n/common/index.ts';
import { day } from '../../i18n/format.ts';
import { language, type Language, LANGUAGES } from '../../i18n/index.ts';
import { type Member, type MemberRole, people, ROLES } from '../../people.ts';
import { Badge, Button, Empty, Form, Notice, Panel, ProblemNotice, Progress, Select, TextField } from '../../ui/ui.tsx';
import { who } from '../state.ts';
import { type Loaded, ProofDialog, useLoaded } from './load.tsx';
import { type Heading, Removal } from './removal.tsx';
import { text } from './text/index.ts';

type Group = { members: Member[]; invitations: Awaited<ReturnType<typeof people.invitations>>['invitations'] };

export function Members() {
  const texts = text().members;
  const manages = who.value?.role === 'owner' || who.value?.role === 'admin';
  const group = useLoaded<Group>(async () => {
    const { members } = await people.members();
    return { members, invitations: manages ? (await people.invitations()).invitations : [] };
  });
  const heading = useRef<HTMLHeadingElement>(null);
  return (
    <div class="stack" data-test="members">
      <h1 ref={heading} tabIndex={-1}>{texts.title}</h1>
      <ProofDialog />
      <ProblemNotice problem={group.problem} onRetry={group.value ? undefined : group.reload} />
      {!group.value && !group.problem && <Progress label={common().loading} />}
      {group.value && (
        <Panel>
          <ul class="people">{group.value.members.map((member) => <Line key={member.account} member={member} group={group} manages={manages} heading={heading} />)}</ul>
          {group.value.members.length === 1 && manages && <Empty title={texts.alone} text={texts.aloneText} />}
        </Panel>
      )}
      {group.value && manages && <Invite group={group} />}
    </div>
  );
}

function Line({ member, group, manages, heading }: { member: Member; group: Loaded<Group>; manages: boolean; heading: Heading }) {
  const texts = text().members;
  const [role, setRole] = useState(member.role); // given by its own button: the arrow keys pass through others
  useEffect(() => setRole(member.role), [member.role]);
  const own = member.email === who.value?.email;
  return (
    <li data-test="member">
      <div class="grow"><strong>{member.name}</strong> <span class="muted small">{member.email}{own ? ` · ${texts.you}` : ''}</span></div>
      {manages && !own
        ? <Select<MemberRole> compact label={texts.roleOf(member.name)} value={role} options={text().roles} onChange={setRole} test="member-role" />
        : <Badge>{text().roles[member.role] ?? member.role}</Badge>}
      {role !== member.role && <Button kind="primary" busy={group.busy} onClick={() => void group.act(() => people.setRole(member.account, role))} test="member-role-change">{texts.change}</Button>}
      {manages && !own && <Removal title={texts.removeTitle(member.name)} text={texts.removeText} acts={group} call={() => people.remove(member.account)} heading={heading} test="member-remove">{texts.remove}</Removal>}
    </li>
  );
}

function Invite({ group }: { group: Loaded<Group> }) {
  const texts = text().members;
  const [email, setEmail] = useState('');
  const [role, setRole] = useState<MemberRole>('sender');
  const [tongue, setTongue] = useState<Language>(language.value);
  const [sent, setSent] = useState('');
  const open = (group.value?.invitations ?? []).filter((one) => one.state === 'live');
  const invite = async () => {
    setSent('');
    if (await group.act(() => people.invite({ email: email.trim(), role, language: tongue }))) {
      setSent(email.trim());
      setEmail('');
    }
  };
  return (
    <Panel title={texts.invite} test="invite-member">
      <Form onSubmit={() => void invite()}>
        <TextField label={texts.email} type="email" value={email} onInput={setEmail} required autocomplete="off" test="invite-member-email" />
        <Select<MemberRole> label={texts.role} value={role} options={Object.fromEntries(ROLES.map((one) => [one, `${text().roles[one]}: ${text().rights[one]}`])) as Record<MemberRole, string>} onChange={setRole} test="invite-member-role" />
        <Select<Language> label={texts.language} value={tongue} options={LANGUAGES} onChange={setTongue} />
        <div><Button kind="primary" type="submit" busy={group.busy} test="invite-member-go">{texts.go}</Button></div>
        {sent && <Notice tone="good" test="invite-member-sent">{texts.sent(sent)}</Notice>}
      </Form>
      {open.length > 0 && (
        <>
          <h3>{texts.pending}</h3>
          <ul class="people">
            {open.map((one) => (
              <li key={one.id} data-test="invitation">
                <span class="grow">{one.email} <span class="muted small">{text().roles[one.role]} · {texts.until(day(one.expiresAt))}</span></span>
                <Button kind="plain" onClick={() => void group.act(() => people.revoke(one.id))} test="invitation-revoke">{texts.revoke}</Button>
              </li>
            ))}
          </ul>
        </>
      )}
    </Panel>
  );
}
