// A button for what cannot be undone: it asks first, by the name of what goes, and says what stops working.
import type { RefObject } from 'preact';
import { useState } from 'preact/hooks';
import { common } from '../../i18n/common/index.ts';
import { Button, Dialog } from '../../ui/ui.tsx';
import type { Acts } from './load.tsx';

export type Heading = RefObject<HTMLHeadingElement | null>;

interface RemovalProps {
  children: string; // what the button says, here and in the question
  title: string;
  text: string;
  acts: Acts;
  call: () => Promise<unknown>;
  heading: Heading; // of what it is removed from
  kind?: 'plain' | 'danger';
  label?: string;
  test: string;
}

export function Removal({ children, title, text, acts, call, heading, kind = 'plain', label, test }: RemovalProps) {
  const [asking, setAsking] = useState(false);
  const go = async () => {
    setAsking(false);
    // The button that opened the question is gone with what it removed, and the focus with it.
    if (await acts.act(call) && document.activeElement === document.body) heading.current?.focus();
  };
  return (
    <>
      <Button kind={kind} label={label} onClick={() => setAsking(true)} test={test}>{children}</Button>
      <Dialog title={title} open={asking} onClose={() => setAsking(false)} test={`${test}-dialog`}>
        <p>{text}</p>
        <div class="row">
          <Button kind="danger" busy={acts.busy} onClick={() => void go()} test={`${test}-confirm`}>{children}</Button>
          <Button onClick={() => setAsking(false)}>{common().cancel}</Button>
        </div>
      </Dialog>
    </>
  );
}
