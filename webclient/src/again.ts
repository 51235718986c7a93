// Loads the page again when a part of it did not come: the service went away, or a
// network ate it. A browser keeps a module that failed as failed, so nothing less helps.
const TRIES = 8; // of one tab, until the program runs
const FIRST_WAIT_MS = 250;
const LONGEST_WAIT_MS = 8000;
const KEY = 'loaded-again';

// Waits until the service answers, then loads the page again if that is `wanted` still.
// Returns false when it has been done often enough: what is missing is missing there too.
export async function loadAgain(wanted: () => boolean): Promise<boolean> {
  const before = tries();
  if (before >= TRIES) return false;
  for (let wait = FIRST_WAIT_MS * 2 ** before; ; wait *= 2) {
    await new Promise((resolve) => setTimeout(resolve, Math.min(wait, LONGEST_WAIT_MS)));
    if (!wanted()) return true;
    if (await answers()) break;
  }
  if (!wanted()) return true;
  remember(String(before + 1));
  location.reload();
  return true;
}

// The program runs; once everything is loaded the page has arrived, if it has its styles.
export function arrived(): void {
  const forget = () => unstyled() || remember('');
  if (document.readyState === 'complete') forget();
  else addEventListener('load', forget);
}

export const unstyled = () => [...document.querySelectorAll<HTMLLinkElement>('link[rel=stylesheet]')].some(({ sheet }) => !hasRules(sheet));

// Chromium gives a style sheet that was lost as one of another origin.
function hasRules(sheet: CSSStyleSheet | null): boolean {
  try {
    return sheet !== null && sheet.cssRules.length > 0;
  } catch {
    return false;
  }
}

const answers = (): Promise<boolean> => fetch(location.pathname, { method: 'HEAD', cache: 'no-store' }).then(({ ok }) => ok, () => false);

function tries(): number {
  try {
    return Number(sessionStorage.getItem(KEY));
  } catch { // a browser that lets pages store nothing: once
    const [navigation] = performance.getEntriesByType('navigation') as PerformanceNavigationTiming[];
    return navigation?.type === 'reload' ? TRIES : 0;
  }
}

function remember(count: string): void {
  try {
    if (count) sessionStorage.setItem(KEY, count);
    else sessionStorage.removeItem(KEY);
  } catch { /* nothing can be stored */ }
}
