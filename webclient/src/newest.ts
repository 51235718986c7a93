// Answers may arrive in another order than they were asked for. Called before a question,
// it returns what tells whether its answer is newer than the one that is shown.
import { useRef } from 'preact/hooks';

export function useNewest(): () => () => boolean {
  const asked = useRef(0);
  const shown = useRef(0);
  return () => {
    const question = ++asked.current;
    return () => {
      if (question <= shown.current) return false;
      shown.current = question;
      return true;
    };
  };
}
