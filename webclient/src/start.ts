// Watches whether the page's program comes, and has the page loaded again when a part of
// it was lost on the way. It is a classic script in the page itself, so that it runs where
// everything else was lost.
import { loadAgain, unstyled } from './again.ts';

const LATE_MS = 30_000; // after everything was loaded, and still no program

const waiting = () => document.querySelector('.shell-late') !== null; // the program replaces it

function watch(): void {
  let mending = false;
  const mend = async (wanted: () => boolean) => {
    if (mending) return;
    mending = true;
    const advice = document.querySelector<HTMLElement>('.shell-late');
    if (!(await loadAgain(wanted)) && advice) advice.style.visibility = 'visible';
  };
  // A module that is lost fails the script that needs it, also where that came.
  addEventListener('error', ({ target }) => {
    if (target instanceof HTMLScriptElement && target.type === 'module') void mend(waiting);
  }, true);
  // Nothing is given up while the browser still loads: a slow network is not a lost part.
  const loaded = () => {
    if (unstyled()) void mend(unstyled);
    setTimeout(() => waiting() && void mend(waiting), LATE_MS);
  };
  if (document.readyState === 'complete') loaded();
  else addEventListener('load', loaded);
}

watch();
