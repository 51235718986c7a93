// Who certifies the signers of a draft: asked where there is a choice, with what
// each choice proves said first.
import { useEffect, useState } from 'preact/hooks';
import { type Document, documents, type Provider } from '../api.ts';
import { ProblemNotice, Select } from '../ui/ui.tsx';
import { useChoice } from './choice.ts';
import { ended } from './state.ts';
import { text } from './text/index.ts';

export function ProviderChoice({ document, onChange }: { document: Document; onChange: (next: Document) => void }) {
  const texts = text().plan;
  const [offered, setOffered] = useState<Provider[]>([]);
  const [trouble, setTrouble] = useState<unknown>();
  const { value, choose, problem } = useChoice(document.provider, async (name) => onChange(await documents.choose(document.id, name)));
  useEffect(() => {
    documents.providers().then(({ providers }) => setOffered(providers), (error: unknown) => { if (!ended(error)) setTrouble(error); });
  }, []);
  if (offered.length < 2) return <ProblemNotice problem={trouble} />;
  const describe = ({ legal, country, level }: Provider) => `${legal}${country ? ` (${country})` : ''}: ${texts.levels[level] ?? level}`;
  return (
    <div class="stack-small">
      <Select<string> label={texts.provider} value={value} options={Object.fromEntries(offered.map((one) => [one.name, describe(one)]))} onChange={choose} test="provider" />
      <p class="small muted">{texts.providerHint}</p>
      <ProblemNotice problem={problem ?? trouble} />
    </div>
  );
}
