// One sample with all that is known of it: what the device said, what follows
// from it, in which unit, from where.
import { number } from '../i18n/format.ts';
import { Panel } from '../ui/ui.tsx';
import type { Sampled } from '../api.ts';
import { CHANNELS, type ChannelName, type Signal } from './signal.ts';
import { current, currentPartner, filtered, questioned, questionedItem, reference, referenceItem, samples, signalFor } from './state.ts';
import { text } from './text/index.ts';

export function Inspector() {
  const texts = text().inspector;
  const [one, item, i] = [questioned.value, questionedItem.value, current.value];
  if (!one || !item) return null;
  const [other, known, j] = [reference.value, referenceItem.value, currentPartner.value];
  return (
    <Panel title={texts.title} test="inspector">
      {i < 0 ? <p class="muted">{texts.nothing}</p> : (
        <>
          <div class="table-scroll" tabIndex={0} role="region" aria-label={texts.title}>
            <table class="table small">
              <thead><tr><th scope="col">{texts.channel}</th><th scope="col" class="number">{item.label}, {texts.raw}</th><th scope="col" class="number">{item.label}</th>{other && <th scope="col" class="number">{known?.label}, {texts.raw}</th>}{other && <th scope="col" class="number">{known?.label}</th>}</tr></thead>
              <tbody>
                <Row label={text().replay.time} one={[raw(item.id, 't', i), `${number(one.t[i] ?? 0, 2)} ms`]} other={other && (j < 0 ? ['–', '–'] : [raw(known!.id, 't', j), `${number(other.t[j] ?? 0, 2)} ms`])} />
                {CHANNELS.map((name) => <Row key={name} label={text().channels[name]} one={pair(item.id, one, name, i)} other={other && (j < 0 ? ['–', '–'] : pair(known!.id, other, name, j))} />)}
              </tbody>
            </table>
          </div>
          <p class="small muted">{texts.source(number(i + 1), number(one.t.length), item.sha256.slice(0, 16))} {one.down[i] ? texts.touching : texts.inAir} {filtered.value ? texts.filtered : texts.unfiltered}</p>
        </>
      )}
    </Panel>
  );
}

function Row({ label, one, other }: { label: string; one: [string, string]; other?: [string, string] }) {
  return <tr><th scope="row">{label}</th><td class="number mono">{one[0]}</td><td class="number">{one[1]}</td>{other && <td class="number mono">{other[0]}</td>}{other && <td class="number">{other[1]}</td>}</tr>;
}

// What the device reported, in its own units, which are not those of the value beside
// it; derived channels have none.
function raw(id: string, name: ChannelName | 't', i: number): string {
  const points: Sampled['points'] | undefined = samples.value.get(id)?.points;
  if (!points) return '–';
  const units = text().inspector.deviceUnits;
  switch (name) {
    case 't': return `${points.t[i]} µs`;
    case 'x': case 'y': return `${points[name][i]} ${units.length}`;
    case 'p': return `${points.p[i]} ${units.ofFull(number(65535))}`;
    case 'tilt': return `${points.tiltX[i]} / ${points.tiltY[i]} × ${number(0.01, 2)}°`;
    default: return text().inspector.derived;
  }
}

function pair(id: string, signal: Signal, name: ChannelName, i: number): [string, string] {
  const digits = name === 'p' ? 4 : name === 'jerk' || name === 'acceleration' ? 0 : 2;
  const show = (value: number | null | undefined) => (value == null ? '–' : `${number(value, digits)} ${text().units[name](signal.metric)}`);
  // With the filter on, the unfiltered value of a derived channel takes the raw place.
  const plain = filtered.value && (name === 'speed' || name === 'acceleration' || name === 'jerk');
  return [plain ? show(signalFor(id, false)?.[name][i]) : raw(id, name, i), show(signal[name][i])];
}
