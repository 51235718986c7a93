// The face in the selfie video: a second finding, apart from the signature's.
import { exactTime, number } from '../i18n/format.ts';
import { Notice, Panel } from '../ui/ui.tsx';
import { questionedItem } from './state.ts';
import { text } from './text/index.ts';

export function Face() {
  const texts = text().face;
  const item = questionedItem.value;
  const found = item?.face;
  if (!item || !found) return null;
  const score = found.score;
  return (
    <Panel title={`${texts.title}: ${item.label}`} test="face">
      <p class="small muted">{texts.apart}</p>
      {found.outcome === 'enrolled' && <Notice test="face-enrolled">{texts.enrolled}</Notice>}
      {found.outcome === 'unavailable' && <Notice test="face-unavailable">{texts.reasons[found.code ?? ''] ?? found.reason}</Notice>}
      {score && (
        <dl class="facts" data-test="face-score">
          <div><dt>{texts.likeness}</dt><dd>{number(score.likeness, 2)}</dd></div>
          <div><dt>{texts.lowest}</dt><dd>{number(score.lowest, 2)}</dd></div>
          <div><dt>{texts.steady}</dt><dd>{number(score.steady, 2)}</dd></div>
          <div><dt>{texts.threshold}</dt><dd>{score.threshold == null ? texts.noThreshold : number(score.threshold, 2)}</dd></div>
          <div><dt>{texts.frames}</dt><dd>{number(score.frames)}</dd></div>
          {found.enrolledAt && <div><dt>{texts.enrolledAt}</dt><dd>{exactTime(found.enrolledAt)}</dd></div>}
          <div><dt>{texts.model}</dt><dd class="mono">{score.model.slice(0, 16)}</dd></div>
        </dl>
      )}
    </Panel>
  );
}
