// By what members find the organisation's provider before they sign in.
import { useRef, useState } from 'preact/hooks';
import { programs, type ProviderName } from '../../people.ts';
import { Badge, Button, Form, Panel, ProblemNotice, TextField } from '../../ui/ui.tsx';
import { type Loaded, useLoaded } from './load.tsx';
import { type Heading, Removal } from './removal.tsx';
import { text } from './text/index.ts';

export function ProviderNames() {
  const texts = text().settings.names;
  const names = useLoaded(() => programs.providerNames().then((answer) => answer.names));
  const [name, setName] = useState('');
  const heading = useRef<HTMLHeadingElement>(null);
  const add = async () => {
    if (await names.act(() => programs.addProviderName(name.trim()))) setName('');
  };
  return (
    <Panel title={texts.title} heading={heading} test="provider-names">
      <p class="muted">{texts.text}</p>
      {names.value?.length === 0 && <p class="muted">{texts.none}</p>}
      <ul class="people">{names.value?.map((one) => <Name key={one.name} name={one} names={names} heading={heading} />)}</ul>
      <Form small onSubmit={() => void add()}>
        <TextField label={texts.name} hint={texts.hint} value={name} onInput={setName} maxLength={253} autocomplete="off" required test="provider-name" />
        <ProblemNotice problem={names.problem} />
        <div><Button type="submit" busy={names.busy} test="provider-name-add">{texts.add}</Button></div>
      </Form>
    </Panel>
  );
}

function Name({ name, names, heading }: { name: ProviderName; names: Loaded<ProviderName[]>; heading: Heading }) {
  const texts = text().settings.names;
  return (
    <li data-test="provider-name-line">
      <div class="grow stack-small">
        <div class="row"><strong>{name.name}</strong><Badge tone={name.verified ? 'good' : 'warn'} test="provider-name-state">{name.verified ? texts.used : texts.waits}</Badge></div>
        {!name.verified && (
          <>
            <p class="small">{texts.record}</p>
            <dl class="facts small">
              <dt>{texts.recordName}</dt><dd class="mono">{name.record}</dd>
              <dt>{texts.recordValue}</dt><dd class="mono" data-test="provider-name-value">{name.value}</dd>
            </dl>
          </>
        )}
      </div>
      {!name.verified && <Button onClick={() => void names.act(() => programs.verifyProviderName(name.name))} busy={names.busy} test="provider-name-verify">{texts.verify}</Button>}
      <Removal kind="danger" label={texts.removeOf(name.name)} title={texts.removeTitle(name.name)} text={texts.removeText} acts={names} call={() => programs.removeProviderName(name.name)} heading={heading} test="provider-name-remove">{texts.remove}</Removal>
    </li>
  );
}
