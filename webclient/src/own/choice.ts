// A choice of a list that is stored as soon as it is made. Arrow keys make several in a
// row: requests that are on their way together may arrive in the other order, and the
// answer to an earlier one must not move the list back under the hand.
import { useRef, useState } from 'preact/hooks';
import { ended } from './state.ts';

const open = new Set<Promise<void>>();

// Resolves when every choice that was made is stored or has failed: what is done with the
// document afterwards must find it.
export async function choicesStored(): Promise<void> {
  await Promise.all(open);
}

interface Choice<T> {
  value: T; // as chosen, stored or not yet
  problem: unknown; // of the last one: what is stored stays
  choose(value: T): void;
}

export function useChoice<T>(stored: T, store: (value: T) => Promise<void>): Choice<T> {
  const [chosen, setChosen] = useState<{ value: T }>();
  const [problem, setProblem] = useState<unknown>();
  const waiting = useRef<{ value: T } | undefined>(undefined);
  const busy = useRef(false);
  const send = useRef(store);
  send.current = store;
  const sendAll = async () => {
    busy.current = true;
    let failure: unknown;
    while (waiting.current) {
      const { value } = waiting.current;
      waiting.current = undefined;
      failure = await send.current(value).then(() => undefined, (error: unknown) => error);
    }
    busy.current = false;
    setChosen(undefined);
    if (failure && !ended(failure)) setProblem(failure);
  };
  const choose = (value: T) => {
    waiting.current = { value };
    setChosen({ value });
    setProblem(undefined);
    if (busy.current) return;
    const all = sendAll().finally(() => open.delete(all));
    open.add(all);
  };
  return { value: chosen ? chosen.value : stored, problem, choose };
}
