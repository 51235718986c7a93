// Answers may arrive in another order than they were asked for: one that is older than
// what is shown is left out, and so is a failure.
import { useRef } from 'preact/hooks';

type Ask = <T>(question: Promise<T>, show: (answer: T) => void, fail?: (error: unknown) => void) => Promise<void>;

export function useNewest(): Ask {
  const asked = useRef(0);
  const shown = useRef(0);
  return (question, show, fail) => {
    const number = ++asked.current;
    const isNewest = () => number > shown.current && (shown.current = number) > 0;
    return question.then(
      (answer) => { if (isNewest()) show(answer); },
      (error: unknown) => { if (isNewest()) fail?.(error); },
    );
  };
}
