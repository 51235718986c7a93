// What to do when the service says no: sign in, or ask somebody who may.
import { Problem } from '../api.ts';
import { Notice, ProblemNotice } from '../ui/ui.tsx';
import { words } from './casetext/index.ts';

export function Failure({ problem, retry }: { problem: unknown; retry?: () => void }) {
  const texts = words().failure;
  if (problem instanceof Problem && problem.status === 401) {
    return <Notice tone="warn" test="compare-signed-out"><p>{texts.signIn}</p><p class="row"><a class="button" href="/">{texts.signInGo}</a>{retry && <button type="button" class="button" onClick={retry} data-test="signed-in-again">{texts.again}</button>}</p></Notice>;
  }
  if (problem instanceof Problem && (problem.status === 403 || problem.status === 404)) {
    return <Notice tone="bad" test="compare-refused"><p>{texts.refused}</p>{problem.detail && <p class="small">{problem.detail}</p>}</Notice>;
  }
  return <ProblemNotice problem={problem} onRetry={retry} />;
}
