// What the comparison found, in words that say what it does not.
import { useState } from 'preact/hooks';
import { exactTime, number } from '../i18n/format.ts';
import type { Comparison, Quality } from '../api.ts';
import { Badge, Button, Empty, Notice, Panel, ProblemNotice, Select } from '../ui/ui.tsx';
import { against, type StatisticName } from './statistics.ts';
import { disputes, type Item, type Result } from './service.ts';
import { chosenQuestioned, chosenRun, comparison, questionedItem, referenceItems, result, run, shown, signalFor, take, unscaled } from './state.ts';
import { text } from './text/index.ts';

const LN10 = Math.log(10);
const SHOWN = 10; // features before the fold; the service puts the farthest first

// Compares, and chooses among the comparisons that were made.
export function Runs() {
  const texts = text().runs;
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<unknown>();
  const dispute = shown.value!;
  const ready = dispute.items.some((one) => one.part === 'questioned' && one.readable) && dispute.items.some((one) => one.part === 'reference' && one.readable);
  const compare = async () => {
    setBusy(true);
    setProblem(undefined);
    try {
      if (take(await disputes.compare(dispute.id))) chosenRun.value = '';
    } catch (error) {
      setProblem(error);
    }
    setBusy(false);
  };
  return (
    <div class="no-print"><Panel title={texts.title} test="runs" tools={<Button kind="primary" busy={busy} disabled={!ready} onClick={() => void compare()} test="run-compare">{texts.compare}</Button>}>
      {!ready && <Notice>{texts.notReady}</Notice>}
      <ProblemNotice problem={problem} />
      {dispute.runs.length === 0 && ready && <Empty title={texts.emptyTitle} text={texts.emptyText} />}
      {dispute.runs.length > 0 && (
        <div class="toolbar">
          <Select label={texts.shown} value={run.value?.id ?? ''} onChange={(id) => (chosenRun.value = id)} test="run-choose"
            options={Object.fromEntries([...dispute.runs].reverse().map((one) => [one.id, `${exactTime(one.at)} · ${one.by}`]))} />
          {run.value && run.value.results.length > 1 && <Select label={text().sheets.questioned} value={questionedItem.value?.id ?? ''} onChange={(id) => (chosenQuestioned.value = id)} test="run-questioned"
            options={Object.fromEntries(run.value.results.map((one) => [one.item, labelOf(one.item)]))} />}
          {run.value && <p class="small muted grow">{texts.against(run.value.references.map((one) => labelOf(one.item)).join(', '))}</p>}
        </div>
      )}
    </Panel></div>
  );
}

const labelOf = (id: string): string => shown.value?.items.find((item) => item.id === id)?.label ?? text().runs.removed;

export function Verdict() {
  const texts = text().verdict;
  if (!run.value || !questionedItem.value) return null;
  if (!result.value) return <Panel title={texts.title} test="verdict"><Notice tone="warn" test="not-in-run">{texts.without(questionedItem.value.label)}</Notice></Panel>;
  const found = comparison.value;
  if (!found) return <Panel title={texts.title} test="verdict"><Notice tone="warn" test="trouble">{troubleOf(result.value)}</Notice></Panel>;
  const { likelihoodRatio: ratio, decision } = found;
  // What forbids a decision is read before the words that it makes worthless.
  const refusals = found.problems.filter((one) => one.severity === 'refusal');
  return (
    <Panel title={`${texts.title}: ${questionedItem.value?.label ?? ''}`} test="verdict" tools={<Badge tone={decision.outcome === 'accept' ? 'good' : decision.outcome === 'reject' ? 'bad' : 'warn'} test="decision">{texts.outcomes[decision.outcome]}</Badge>}>
      <Problems all={refusals} tone="bad" test="comparison-refusals" />
      <div class="verdict">
        <div class="stack-small">
          <p class="verdict-words">{verbal(ratio.verbal.code, ratio.verbal.text)}</p>
          <Scale log={ratio.log / LN10} low={ratio.low / LN10} high={ratio.high / LN10} accept={decision.acceptAbove / LN10} reject={decision.rejectBelow / LN10} />
          <p class="small">{texts.meaning}</p>
          {ratio.clamped && <Notice tone="warn">{texts.clamped}</Notice>}
          {!found.class.calibrated && <Notice tone="warn">{texts.uncalibrated}</Notice>}
        </div>
        <dl class="facts small">
          <dt>{texts.ratio}</dt><dd>{texts.log10(number(ratio.log / LN10, 2), number(ratio.low / LN10, 2), number(ratio.high / LN10, 2))}</dd>
          <dt>{texts.thresholds}</dt><dd>{texts.between(number(decision.rejectBelow / LN10, 2), number(decision.acceptAbove / LN10, 2))}</dd>
          <dt>{texts.score}</dt><dd>{number(found.score, 3)}</dd>
          <dt>{texts.references}</dt><dd>{number(found.class.references)}</dd>
          <dt>{texts.model}</dt><dd>{found.model.name} <span class="mono">{found.model.number}</span> ({found.model.made})</dd>
          <dt>{texts.calibration}</dt><dd>{found.calibration.name} <span class="mono">{found.calibration.number}</span> ({found.calibration.made})</dd>
          <dt>{texts.same}</dt><dd>{texts.hypothesisSame}</dd>
          <dt>{texts.different}</dt><dd>{texts.hypothesisDifferent}</dd>
        </dl>
      </div>
      <Problems all={found.problems.filter((one) => one.severity !== 'refusal')} tone="warn" test="comparison-problems" />
    </Panel>
  );
}

function Problems({ all, tone, test }: { all: Comparison['problems']; tone: 'bad' | 'warn'; test: string }) {
  if (all.length === 0) return null;
  return (
    <Notice tone={tone} test={test}>
      <ul>{all.map((one, i) => <li key={i}>{text().problems[one.code] ?? one.text}{(one.index ?? -1) >= 0 && ` (${labelOf(run.value!.references[one.index!]?.item ?? '')})`}</li>)}</ul>
    </Notice>
  );
}

// Why there is no answer, in the reader's language; what exactly was found is in English.
function troubleOf({ trouble, troubleCode = '' }: Result) {
  const own = text().problems[troubleCode];
  return <>{own && <p>{own}</p>}<p class={own && 'small muted'} lang="en">{trouble}</p></>;
}

// "moderate-support-same" in the reader's language; the service's English where the code is new.
function verbal(code: string, fallback: string): string {
  const texts = text().verdict;
  const [, step = '', side] = /^(.*)-support-(same|different)$/.exec(code) ?? [];
  const strength = texts.strengths[step];
  if (code === 'no-support') return texts.noSupport;
  return strength ? (side === 'same' ? texts.supportSame(strength) : texts.supportDifferent(strength)) : fallback;
}

const SPAN = 6; // powers of ten to each side

// The ratio with its interval between the two hypotheses, and the thresholds.
function Scale({ log, low, high, accept, reject }: { log: number; low: number; high: number; accept: number; reject: number }) {
  const texts = text().verdict;
  const x = (value: number) => 300 + (Math.max(-SPAN, Math.min(SPAN, value)) / SPAN) * 280;
  return (
    <svg class="scale" viewBox="0 0 600 92" role="img" aria-label={texts.log10(number(log, 2), number(low, 2), number(high, 2))}>
      <rect x="20" y="34" width={x(reject) - 20} height="14" fill="var(--bad-soft)" />
      <rect x={x(reject)} y="34" width={Math.max(0, x(accept) - x(reject))} height="14" fill="var(--sunken)" />
      <rect x={x(accept)} y="34" width={580 - x(accept)} height="14" fill="var(--good-soft)" />
      {Array.from({ length: 2 * SPAN + 1 }, (_, i) => i - SPAN).map((tick) => (
        <g key={tick}>
          <line x1={x(tick)} x2={x(tick)} y1="48" y2="54" stroke="var(--muted)" />
          <text x={x(tick)} y="68" text-anchor="middle" font-size="12" fill="var(--muted)">{tick}</text>
        </g>
      ))}
      <line x1={x(low)} x2={x(high)} y1="41" y2="41" stroke="var(--ink)" stroke-width="4" />
      <circle cx={x(log)} cy="41" r="8" fill="var(--accent)" stroke="var(--surface)" stroke-width="2" />
      <text x="20" y="22" font-size="13" fill="var(--ink)">{texts.sideDifferent}</text>
      <text x="580" y="22" text-anchor="end" font-size="13" fill="var(--ink)">{texts.sideSame}</text>
      <text x="300" y="86" text-anchor="middle" font-size="12" fill="var(--muted)">{texts.axis}</text>
    </svg>
  );
}

// What was really recorded, of every signature, with what speaks against comparing.
export function QualityPanel() {
  const texts = text().quality;
  const all = [...shown.value!.items];
  if (all.length === 0) return null;
  const digits: Partial<Record<keyof Quality, number>> = { rateHz: 1, jitterMs: 2, longestGapMs: 1, complexity: 1, pathMm: 1 };
  const keys = Object.keys(texts.rows) as (keyof Quality)[];
  const warnings = all.flatMap((item) => warningsOf(item).map((warning) => ({ item, warning })));
  return (
    <Panel title={texts.title} test="quality">
      <p class="small muted">{texts.text}</p>
      {warnings.length > 0 && <Notice tone="warn" test="quality-warnings"><ul>{warnings.map(({ item, warning }, i) => <li key={i}><strong>{item.label}</strong>: {warning}</li>)}</ul></Notice>}
      <div class="table-scroll" tabIndex={0} role="region" aria-label={texts.title}>
        <table class="table small">
          <thead><tr><th scope="col">{texts.measure}</th>{all.map((item) => <th key={item.id} scope="col" class="number">{item.label}</th>)}</tr></thead>
          <tbody>
            <tr><th scope="row">{texts.pointer}</th>{all.map((item) => <td key={item.id} class="number">{text().pointers[item.device.pointer] ?? item.device.pointer}</td>)}</tr>
            <tr><th scope="row">{texts.nominalRate}</th>{all.map((item) => <td key={item.id} class="number">{item.device.sampleRate > 0 ? number(item.device.sampleRate) : '–'}</td>)}</tr>
            {keys.map((key) => <tr key={key}><th scope="row">{texts.rows[key]}</th>{all.map((item) => <td key={item.id} class="number">{key === 'pathMm' && item.device.unitsPerMM <= 0 ? '–' : number(item.quality[key] ?? 0, digits[key] ?? 0)}</td>)}</tr>)}
            <tr><th scope="row">{texts.scale}</th>{all.map((item) => <td key={item.id} class="number">{item.device.unitsPerMM > 0 ? (item.device.nominalScale ? texts.nominal : texts.metric) : texts.unknown}</td>)}</tr>
          </tbody>
        </table>
      </div>
    </Panel>
  );
}

// Against the questioned signature that is chosen: another kind of device makes
// two recordings differ where the hands did not.
export function warningsOf(item: Item): string[] {
  const texts = text().quality;
  const against = questionedItem.value ?? shown.value?.items.find((one) => one.part === 'questioned');
  const found = item.problems.filter((one) => !['few-references'].includes(one.code)).map((one) => text().problems[one.code] ?? one.text);
  if (!against || against.id === item.id || item.part === 'questioned') return found;
  if (item.device.pointer !== against.device.pointer) found.push(texts.otherPointer(text().pointers[item.device.pointer] ?? '', text().pointers[against.device.pointer] ?? ''));
  if (item.device.hasPressure !== against.device.hasPressure) found.push(texts.otherPressure);
  const [a, b] = [item.quality.rateHz, against.quality.rateHz];
  if (a > 0 && b > 0 && Math.max(a / b, b / a) > 1.5) found.push(texts.otherRate(number(a), number(b)));
  return found;
}

// Plain statistics that anybody can check, and the features that the score used.
export function Statistics() {
  const texts = text().statistics;
  // As recorded, whatever the drawings are filtered with: a filter takes most of the jerk.
  const one = signalFor(questionedItem.value?.id, false);
  if (!one) return null;
  const rows = against(one, referenceItems.value.map((item) => signalFor(item.id, false)!));
  const without = unscaled.value.filter((item) => item.part === 'reference').map((item) => item.label).join(', ');
  const digits: Partial<Record<StatisticName, number>> = { strokes: 0, pauses: 0, duration: 2, meanPressure: 3, spreadPressure: 3, meanAcceleration: 0, rmsJerk: 0, topSpeed: 0 };
  const show = (value: number | null, name: StatisticName) => (value === null ? '–' : number(value, digits[name] ?? 1));
  return (
    <Panel title={texts.title} test="statistics">
      <p class="small muted">{texts.text(referenceItems.value.length)} {texts.unfiltered}{[questionedItem.value, ...referenceItems.value].some((item) => item?.device.nominalScale) && ` ${text().tools.nominal}`}</p>
      {!one.metric ? <Notice tone="warn" test="statistics-unscaled">{texts.noScale}</Notice> : without && <Notice tone="warn" test="statistics-unscaled">{texts.without(without)}</Notice>}
      <div class="table-scroll" tabIndex={0} role="region" aria-label={texts.title}>
        <table class="table small">
          <thead><tr><th scope="col">{text().features.feature}</th><th scope="col" class="number">{questionedItem.value?.label}</th><th scope="col" class="number">{text().features.mean}</th><th scope="col" class="number">{text().features.spread}</th><th scope="col" class="number">z</th></tr></thead>
          <tbody>{rows.map((row) => (
            <tr key={row.name}><th scope="row">{texts.names[row.name]} <span class="muted">{unitOf(row.name, one.metric)}</span></th>
              <td class="number">{show(row.questioned, row.name)}</td><td class="number">{show(row.mean, row.name)}</td><td class="number">{row.spread === null ? '–' : number(row.spread, (digits[row.name] ?? 1) + 1)}</td>
              <td class={row.z !== null && Math.abs(row.z) >= 2 ? 'number far' : 'number'}>{row.z === null ? '–' : number(row.z, 1)}</td></tr>
          ))}</tbody>
        </table>
      </div>
    </Panel>
  );
}

function unitOf(name: StatisticName, metric: boolean): string {
  const units = text().units;
  switch (name) {
    case 'duration': return 's';
    case 'air': return '%';
    case 'path': case 'width': case 'height': return units.x(metric);
    case 'meanSpeed': case 'topSpeed': return units.speed(metric);
    case 'meanAcceleration': return units.acceleration(metric);
    case 'rmsJerk': return units.jerk(metric);
    case 'meanTilt': return '°';
    default: return '';
  }
}

export function Features() {
  const texts = text().features;
  const features = comparison.value?.explanation?.features ?? [];
  if (features.length === 0) return null;
  return (
    <Panel title={texts.title} test="features">
      <p class="small muted">{texts.text}</p>
      <FeatureTable features={features.slice(0, SHOWN)} />
      {features.length > SHOWN && <details><summary>{texts.more(features.length - SHOWN)}</summary><FeatureTable features={features.slice(SHOWN)} /></details>}
    </Panel>
  );
}

type Feature = NonNullable<Comparison['explanation']>['features'][number];

function FeatureTable({ features }: { features: Feature[] }) {
  const texts = text().features;
  return (
    <div class="table-scroll" tabIndex={0} role="region" aria-label={texts.title}>
      <table class="table">
        <thead><tr><th scope="col">{texts.feature}</th><th scope="col" class="number">{texts.questioned}</th><th scope="col" class="number">{texts.mean}</th><th scope="col" class="number">{texts.spread}</th><th scope="col" class="number">z</th></tr></thead>
        <tbody>
          {features.map((one) => (
            <tr key={one.feature} title={one.feature}>
              <th scope="row">{texts.names[one.feature] ?? one.feature} <span class="muted">{texts.units[one.unit] ?? one.unit}</span></th>
              <td class="number">{number(one.questioned, 2)}</td><td class="number">{number(one.mean, 2)}</td><td class="number">{number(one.spread, 2)}</td>
              <td class={Math.abs(one.z) >= 2 ? 'number far' : 'number'}>{number(one.z, 1)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
