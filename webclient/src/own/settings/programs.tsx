// Programs that act for the organisation: API keys, webhooks, its sign-in provider.
import { useRef, useState } from 'preact/hooks';
import { Problem } from '../../api.ts';
import { common } from '../../i18n/common/index.ts';
import { dateTime, day } from '../../i18n/format.ts';
import { type Delivery, type MemberRole, type Provider, programs, ROLES } from '../../people.ts';
import { Badge, Button, Check, Form, Notice, Panel, ProblemNotice, Progress, Select, TextField } from '../../ui/ui.tsx';
import { type Loaded, useLoaded } from './load.tsx';
import { ProviderNames } from './names.tsx';
import { type Heading, Removal } from './removal.tsx';
import { text } from './text/index.ts';

// What a key may be for, in words; each is a set of the service's scopes.
const USES = {
  follow: ['document:list', 'document:read', 'deposit:list', 'deposit:read'],
  send: ['document:create', 'document:list', 'document:read', 'document:update', 'document:send'],
  collect: ['document:list', 'document:read', 'document:export', 'deposit:read', 'deposit:export'],
} as const;
type Use = keyof typeof USES;

export function Keys() {
  const texts = text().settings.keys;
  const keys = useLoaded(async () => (await programs.keys()).keys);
  const [name, setName] = useState('');
  const [use, setUse] = useState<Use>('follow');
  const [days, setDays] = useState('90');
  const [secret, setSecret] = useState('');
  const heading = useRef<HTMLHeadingElement>(null);
  const live = (keys.value ?? []).filter((key) => !key.revokedAt);
  const make = async () => {
    const done = await keys.act(async () => setSecret((await programs.makeKey({ name: name.trim(), scopes: [...USES[use]], days: Number(days) || 90 })).secret ?? ''));
    if (done) setName('');
  };
  return (
    <Panel title={texts.title} heading={heading} test="keys">
      <p class="muted">{texts.text}</p>
      {keys.value && live.length === 0 && <p>{texts.none}</p>}
      <ul class="people">
        {live.map((key) => (
          <li key={key.id} data-test="key">
            <span class="grow"><strong>{key.name}</strong> <span class="muted small">{key.scopes.join(', ')} · {texts.until(day(key.expiresAt))} · {key.usedAt ? texts.used(day(key.usedAt)) : texts.unused}</span></span>
            <Removal title={texts.revokeTitle(key.name)} text={texts.revokeText} acts={keys} call={() => programs.revokeKey(key.id)} heading={heading} test="key-revoke">{texts.revoke}</Removal>
          </li>
        ))}
      </ul>
      <Form onSubmit={() => void make()}>
        <TextField label={texts.name} value={name} onInput={setName} required maxLength={100} hint={texts.nameHint} test="key-name" />
        <Select<Use> label={texts.use} value={use} options={texts.uses} onChange={setUse} test="key-use" />
        <TextField label={texts.days} type="number" value={days} onInput={setDays} test="key-days" />
        <ProblemNotice problem={keys.problem} />
        <div><Button type="submit" busy={keys.busy} test="key-make">{texts.make}</Button></div>
      </Form>
      {secret && <Secret label={texts.once} secret={secret} />}
    </Panel>
  );
}

function Secret({ label, secret }: { label: string; secret: string }) {
  return <Notice tone="warn" test="secret"><p>{label}</p><p class="mono">{secret}</p></Notice>;
}

export function Webhooks() {
  const texts = text().settings.webhooks;
  const hooks = useLoaded(async () => (await programs.webhooks()).webhooks);
  const [url, setURL] = useState('');
  const [secret, setSecret] = useState('');
  const heading = useRef<HTMLHeadingElement>(null);
  const make = async () => {
    if (await hooks.act(async () => setSecret((await programs.makeWebhook(url.trim())).secret ?? ''))) setURL('');
  };
  return (
    <Panel title={texts.title} heading={heading} test="webhooks">
      <p class="muted">{texts.text}</p>
      {hooks.value?.length === 0 && <p>{texts.none}</p>}
      <ul class="people">
        {hooks.value?.map((hook) => (
          <li key={hook.id} data-test="webhook">
            <span class="grow mono">{hook.url}</span>
            <Check label={texts.active} checked={hook.active} onChange={(active) => void hooks.act(() => programs.setWebhook(hook.id, active))} test="webhook-active" />
            <Removal title={texts.removeTitle(hook.url)} text={texts.removeText} acts={hooks} call={() => programs.removeWebhook(hook.id)} heading={heading} test="webhook-remove">{texts.remove}</Removal>
            <Deliveries id={hook.id} />
          </li>
        ))}
      </ul>
      <Form onSubmit={() => void make()}>
        <TextField label={texts.url} type="url" value={url} onInput={setURL} required hint={texts.urlHint} test="webhook-url" />
        <ProblemNotice problem={hooks.problem} />
        <div><Button type="submit" busy={hooks.busy} test="webhook-make">{texts.make}</Button></div>
      </Form>
      {secret && <Secret label={texts.once} secret={secret} />}
    </Panel>
  );
}

function Deliveries({ id }: { id: string }) {
  const texts = text().settings.webhooks;
  const [open, setOpen] = useState(false);
  return (
    <div class="deliveries">
      <Button kind="plain" pressed={open} onClick={() => setOpen(!open)} test="webhook-deliveries">{texts.deliveries}</Button>
      {open && <DeliveryList id={id} />}
    </div>
  );
}

function DeliveryList({ id }: { id: string }) {
  const texts = text().settings.webhooks;
  const list = useLoaded<Delivery[]>(async () => (await programs.deliveries(id)).deliveries);
  return (
    <>
      <ProblemNotice problem={list.problem} />
      {list.value?.length === 0 && <p class="muted small">{texts.noDeliveries}</p>}
      <ul class="people small">
        {list.value?.map((one) => (
          <li key={one.id} data-test="delivery">
            <span class="grow">{dateTime(one.createdAt)} · <span class="mono">{one.kind}</span> {one.result}</span>
            <Badge tone={one.state === 'sent' ? 'good' : one.state === 'failed' ? 'bad' : undefined}>{texts.states[one.state]}</Badge>
            {one.state !== 'queued' && <Button kind="plain" onClick={() => void list.act(() => programs.repeat(one.id))}>{texts.repeat}</Button>}
          </li>
        ))}
      </ul>
    </>
  );
}

export function SignInProvider() {
  const texts = text().settings.provider;
  const provider = useLoaded<Provider | null>(() => programs.provider().catch((error: unknown) => {
    if (error instanceof Problem && error.status === 404) return null; // none is set up
    throw error;
  }));
  const heading = useRef<HTMLHeadingElement>(null);
  return (
    <>
    <Panel title={texts.title} heading={heading} test="provider">
      {provider.value === undefined && !provider.problem && <Progress label={common().loading} />}
      {provider.value === undefined && <ProblemNotice problem={provider.problem} onRetry={provider.reload} />}
      {provider.value !== undefined && <ProviderForm known={provider.value} provider={provider} heading={heading} />}
    </Panel>
    {provider.value && <ProviderNames />}
    </>
  );
}

// Begins with what is known and keeps what is written in it.
function ProviderForm({ known, provider, heading }: { known: Provider | null; provider: Loaded<Provider | null>; heading: Heading }) {
  const texts = text().settings.provider;
  const [draft, setDraft] = useState<Provider>({ ...(known ?? { kind: 'oidc', role: 'sender' }), clientSecret: '' });
  const [saved, setSaved] = useState(false);
  const set = (part: Partial<Provider>) => setDraft((draft) => ({ ...draft, ...part }));
  const save = async () => {
    const { kind, role, enforced, secondFactor } = draft;
    const own = kind === 'oidc' ? { issuer: draft.issuer, clientId: draft.clientId, ...(draft.clientSecret ? { clientSecret: draft.clientSecret } : {}) } : { metadata: draft.metadata };
    const done = await provider.act(() => programs.setProvider({ kind, role, enforced: enforced ?? false, secondFactor: secondFactor ?? false, ...own }));
    setSaved(done);
    if (done) set({ clientSecret: '' }); // never shown again
  };
  return (
    <>
      <p class="muted">{known ? texts.on : texts.text}</p>
      <Form onSubmit={() => void save()}>
        <Select<Provider['kind']> label={texts.kind} value={draft.kind} options={{ oidc: 'OpenID Connect', saml: 'SAML 2.0' }} onChange={(kind) => set({ kind })} test="provider-kind" />
        {draft.kind === 'oidc' && <>
          <TextField label={texts.issuer} type="url" value={draft.issuer ?? ''} onInput={(issuer) => set({ issuer })} required test="provider-issuer" />
          <TextField label={texts.client} value={draft.clientId ?? ''} onInput={(clientId) => set({ clientId })} required test="provider-client" />
          <TextField label={texts.secret} type="password" value={draft.clientSecret ?? ''} onInput={(clientSecret) => set({ clientSecret })} autocomplete="off" hint={known ? texts.secretKept : undefined} test="provider-secret" />
        </>}
        {draft.kind === 'saml' && <TextField label={texts.metadata} value={draft.metadata ?? ''} onInput={(metadata) => set({ metadata })} lines={5} required hint={texts.metadataHint} test="provider-metadata" />}
        <Select<MemberRole> label={texts.role} value={draft.role} options={Object.fromEntries(ROLES.filter((one) => one !== 'owner').map((one) => [one, text().roles[one]])) as Record<MemberRole, string>} onChange={(role) => set({ role })} />
        <Check label={texts.enforced} checked={draft.enforced ?? false} onChange={(enforced) => set({ enforced })} test="provider-enforced" />
        <Check label={texts.secondFactor} checked={draft.secondFactor ?? false} onChange={(secondFactor) => set({ secondFactor })} test="provider-second" />
        <p class="muted">{texts.secondFactorHint}</p>
        {known && <Facts provider={known} />}
        <ProblemNotice problem={provider.problem} />
        {saved && <Notice tone="good">{text().settings.saved}</Notice>}
        <Row provider={provider} heading={heading} />
      </Form>
    </>
  );
}

function Facts({ provider }: { provider: Provider }) {
  const texts = text().settings.provider;
  return (
    <dl class="facts">
      {provider.address && <><dt>{texts.address}</dt><dd class="mono">{provider.address}</dd></>}
      {provider.audience && <><dt>{texts.audience}</dt><dd class="mono">{provider.audience}</dd></>}
    </dl>
  );
}

function Row({ provider, heading }: { provider: Loaded<Provider | null>; heading: Heading }) {
  const texts = text().settings.provider;
  return (
    <div class="row">
      <Button type="submit" busy={provider.busy} test="provider-save">{text().settings.save}</Button>
      {provider.value && <Removal kind="danger" title={texts.removeTitle} text={texts.removeText} acts={provider} call={programs.removeProvider} heading={heading} test="provider-remove">{texts.remove}</Removal>}
      {provider.busy && <span class="small muted">{common().loading}</span>}
    </div>
  );
}
