// What the comparison found, in words that say what it does not.
import type { ComponentChildren } from 'preact';
import { type Comparison, Problem, type Quality } from '../api.ts';
import { exactTime, number } from '../i18n/format.ts';
import { Badge, Button, Notice, Panel } from '../ui/ui.tsx';
import { save } from '../download.ts';
import { toCSV } from './signal.ts';
import { opened } from './state.ts';
import { text } from './text/index.ts';

const LN10 = Math.log(10);
const SHOWN = 10; // features before the fold; the service puts the farthest first

export function Verdict() {
  const texts = text().verdict;
  const found = opened.value?.comparison;
  if (!found) return <Panel title={texts.title} test="verdict"><p>{texts.none}</p></Panel>;
  const { likelihoodRatio: ratio, decision } = found;
  return (
    <Panel title={texts.title} test="verdict" tools={<Badge tone={decision.outcome === 'accept' ? 'good' : decision.outcome === 'reject' ? 'bad' : 'warn'} test="decision">{texts.outcomes[decision.outcome]}</Badge>}>
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
          <dt>{texts.same}</dt><dd>{ratio.hypothesisSame}</dd>
          <dt>{texts.different}</dt><dd>{ratio.hypothesisDifferent}</dd>
        </dl>
      </div>
      {found.problems.length > 0 && (
        <Notice tone="warn" test="comparison-problems">
          <ul>{found.problems.map((one, i) => <li key={i}>{text().problems[one.code] ?? one.text}</li>)}</ul>
        </Notice>
      )}
    </Panel>
  );
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

export function QualityPanel() {
  const texts = text().quality;
  const quality = opened.value?.quality;
  if (!quality) return null;
  const digits: Partial<Record<keyof Quality, number>> = { rateHz: 1, jitterMs: 2, longestGapMs: 1, complexity: 1, pathMm: 1 };
  const keys = Object.keys(texts.rows) as (keyof Quality)[];
  return (
    <Panel title={texts.title} test="quality">
      <p class="small muted">{texts.text}</p>
      <table class="table">
        <tbody>{keys.map((key) => <tr key={key}><th scope="row">{texts.rows[key]}</th><td class="number">{number(quality[key] ?? 0, digits[key] ?? 0)}</td></tr>)}</tbody>
      </table>
    </Panel>
  );
}

export function Features() {
  const texts = text().features;
  const features = opened.value?.comparison?.explanation?.features ?? [];
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
            <tr key={one.feature}>
              <th scope="row">{texts.names[one.feature] ?? one.feature} <span class="muted">{one.unit}</span></th>
              <td class="number">{number(one.questioned, 2)}</td><td class="number">{number(one.mean, 2)}</td><td class="number">{number(one.spread, 2)}</td>
              <td class={Math.abs(one.z) >= 2 ? 'number far' : 'number'}>{number(one.z, 1)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

export function Provenance() {
  const texts = text().provenance;
  const shown = opened.value;
  if (!shown) return null;
  const { hashes, timeline } = shown;
  const file = (name: string, type: string, body: string) => save(new Blob([body], { type }), name);
  const line = (label: string, hash: string | undefined): ComponentChildren => hash && <><dt>{label}</dt><dd class="mono">{hash}</dd></>;
  return (
    <Panel title={texts.title} test="provenance" tools={
      <div class="row">
        <Button onClick={() => file('questioned.csv', 'text/csv', toCSV(shown.questioned))} test="export-csv">CSV</Button>
        <Button onClick={() => file('comparison.json', 'application/json', JSON.stringify(shown, null, 1))} test="export-json">JSON</Button>
        <Button onClick={() => window.print()} test="print">{texts.print}</Button>
      </div>
    }>
      <dl class="facts small">
        <dt>{texts.signed}</dt><dd>{exactTime(shown.signedAt)}</dd>
        {line(texts.document, hashes.document)}
        {line(texts.signedFile, hashes.signed)}
        {line(texts.deposit, hashes.deposit)}
        {Object.entries(hashes.files).map(([name, hash]) => line(name, hash))}
        {timeline?.pen && <><dt>{texts.clock}</dt><dd>{texts.clockText(timeline.pen.method, number(timeline.pen.uncertaintyMicros / 1000, 1))}</dd></>}
        {(timeline?.media ?? []).map((track) => (
          <><dt>{track.track} {track.segment}</dt><dd>{track.codec}, {texts.frames(number(track.frames))}, {texts.clockText(track.method, number(track.uncertaintyMicros / 1000, 1))}</dd></>
        ))}
      </dl>
      {(timeline?.notes ?? []).map((note) => <p key={note} class="small muted">{note}</p>)}
    </Panel>
  );
}

export function failureOf(error: unknown): 'signed-out' | 'refused' | 'other' {
  if (!(error instanceof Problem)) return 'other';
  return error.status === 401 ? 'signed-out' : error.status === 403 || error.status === 404 ? 'refused' : 'other';
}
