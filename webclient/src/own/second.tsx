// The second layer that a sender asks of a signer.
import { TextField } from '../ui/ui.tsx';
import { text } from './text/index.ts';

export interface SecondLayer {
  second?: boolean;
  phone?: string;
}

export function SecondChoice({ value, onChange }: { value: SecondLayer; onChange: (next: SecondLayer) => void }) {
  const texts = text().second;
  return (
    <>
      <label class="row">
        <input type="checkbox" checked={value.second ?? false} onChange={(event) => onChange({ second: event.currentTarget.checked, phone: '' })} data-test="signer-second" />
        {texts.second}
      </label>
      {value.second && <TextField label={texts.phone} hint={texts.phoneHint} value={value.phone ?? ''} onInput={(phone) => onChange({ second: true, phone })} autocomplete="off" test="signer-phone" />}
    </>
  );
}
