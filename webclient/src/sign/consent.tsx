// One question per purpose, each with its own free answer, before anything is recorded.
import { useEffect, useState } from 'preact/hooks';
import { type Consent, signing } from '../api.ts';
import { language } from '../i18n/index.ts';
import { Button, Notice, Panel, ProblemNotice } from '../ui/ui.tsx';
import { Decline, Title } from './parts.tsx';
import { accept, ceremony, refresh } from './state.ts';
import { text } from './text/index.ts';

export function Consents() {
  const texts = text().consent;
  const consents = ceremony.value?.consents ?? [];
  const [answers, setAnswers] = useState<Record<string, boolean>>(() => decided(consents));
  const [busy, setBusy] = useState(false);
  const [incomplete, setIncomplete] = useState(false);
  const [problem, setProblem] = useState<unknown>();
  const refused = answers['handwriting'] === false;
  // The words are the service's: it sends them in the language that the page speaks now, and
  // once more where the page has changed it while they were on their way.
  const spoken = consents.map((consent) => consent.language).join();
  useEffect(() => {
    if (consents.some((consent) => consent.language !== language.value)) void refresh();
  }, [language.value, spoken]);

  const submit = async () => {
    setIncomplete(consents.some((consent) => answers[consent.purpose] === undefined));
    if (consents.some((consent) => answers[consent.purpose] === undefined)) return;
    setBusy(true);
    setProblem(undefined);
    try {
      await record(consents, answers);
    } catch (error) {
      setProblem(error);
    }
    setBusy(false);
  };

  return (
    <div class="stack">
      <Title>{texts.title}</Title>
      <p class="muted">{texts.intro}</p>
      <Panel test="consents">
        {consents.map((consent) => (
          <Question key={consent.purpose} consent={consent} answer={answers[consent.purpose]} onAnswer={(given) => setAnswers({ ...answers, [consent.purpose]: given })} />
        ))}
        {incomplete && <Notice tone="warn">{texts.choose}</Notice>}
        {refused && <Notice tone="warn" test="handwriting-refused">{texts.refused}</Notice>}
        <ProblemNotice problem={problem} />
        <div class="actions">
          <Button kind="primary" large onClick={() => void submit()} busy={busy} test="consent-done">{texts.go}</Button>
          <Decline />
        </div>
      </Panel>
    </div>
  );
}

function Question({ consent, answer, onAnswer }: { consent: Consent; answer: boolean | undefined; onAnswer: (given: boolean) => void }) {
  const texts = text().consent;
  const name = `consent-${consent.purpose}`;
  return (
    <fieldset class="consent" data-test={name}>
      <legend>{texts.purposes[consent.purpose] ?? consent.purpose}</legend>
      <p class="consent-text" lang={consent.language}>{consent.text}</p>
      <p class="small muted">{texts.version(consent.textVersion)}</p>
      <div class="row">
        {([true, false] as const).map((given) => (
          <label key={String(given)} class="choice">
            <input type="radio" name={name} checked={answer === given} onChange={() => onAnswer(given)} data-test={`${name}-${given ? 'yes' : 'no'}`} />
            {given ? texts.agree : texts.refuse}
          </label>
        ))}
      </div>
    </fieldset>
  );
}

function decided(consents: Consent[]): Record<string, boolean> {
  return Object.fromEntries(consents.flatMap(({ purpose, given }) => (given === undefined ? [] : [[purpose, given]])));
}

async function record(consents: Consent[], answers: Record<string, boolean>): Promise<void> {
  for (const consent of consents) {
    const given = answers[consent.purpose] ?? false;
    if (consent.given === given) continue;
    const { purpose, textVersion, language } = consent;
    accept(await signing.consent({ purpose, textVersion, language, given }));
  }
}
