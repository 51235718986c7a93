// The frame of every page: brand, places to go, language, and what shows when a
// page breaks.
import { Component, type ComponentChildren, render } from 'preact';
import './ui.css';
import { arrived, loadAgain } from '../again.ts';
import { common } from '../i18n/common/index.ts';
import { type Language, language, LANGUAGES, preferredLanguage, setLanguage } from '../i18n/index.ts';
import { AWAY, LATE } from './away.ts';
import { keepShell } from './keep.ts';
import { Button, Empty, Select } from './ui.tsx';

interface ShellProps {
  children: ComponentChildren;
  nav?: { href: string; label: string; current: boolean; test?: string }[];
  tools?: ComponentChildren;
  width?: 'narrow' | 'normal' | 'wide';
  home?: string;
}

export function Shell({ children, nav, tools, width = 'normal', home }: ShellProps) {
  const texts = common();
  const brand = <><Mark />{texts.brand}</>;
  return (
    <div class="shell">
      <a class="skip" href="#content" onClick={focusContent}>{texts.skip}</a>
      <header class="shell-bar">
        {home ? <a class="shell-brand" href={home}>{brand}</a> : <span class="shell-brand">{brand}</span>}
        {nav && (
          <nav class="shell-nav" aria-label={texts.brand}>
            {nav.map((place) => (
              <a key={place.href} href={place.href} aria-current={place.current ? 'page' : undefined} data-test={place.test}>{place.label}</a>
            ))}
          </nav>
        )}
        <div class="shell-tools">
          {tools}
          <Select<Language> compact label={texts.language} value={language.value} options={LANGUAGES} test="language" onChange={(tag) => void setLanguage(tag, true)} />
        </div>
      </header>
      <main class={`shell-main${width === 'normal' ? '' : ` shell-${width}`}`} id="content" tabIndex={-1}>{children}</main>
    </div>
  );
}

// The fragment is the router's (or held a secret), so the link moves focus itself.
function focusContent(event: Event): void {
  event.preventDefault();
  document.getElementById('content')?.focus();
}

function Mark() {
  return (
    <svg viewBox="0 0 64 64" aria-hidden="true">
      <rect width="64" height="64" rx="14" fill="#1f3a8a" />
      <path d="M14 42c6-14 10-22 13-20s-4 16-1 17 6-12 9-11-2 9 1 10 5-6 8-6 4 4 8 3" fill="none" stroke="#fff" stroke-width="4" stroke-linecap="round" stroke-linejoin="round" />
      <path d="M14 51h38" stroke="#9db4ff" stroke-width="2.5" stroke-linecap="round" />
    </svg>
  );
}

class Boundary extends Component<{ children: ComponentChildren }, { broken: boolean }> {
  override state = { broken: false };

  override componentDidCatch(error: unknown): void {
    console.error(error);
    this.setState({ broken: true });
  }

  render() {
    if (!this.state.broken) return this.props.children;
    const texts = common().crash;
    return (
      <Empty main title={texts.title} text={texts.detail} test="crash">
        <Button kind="primary" onClick={() => location.reload()}>{texts.reload}</Button>
      </Empty>
    );
  }
}

// Loads the language, then shows the page. A service that goes away between the page
// and its language would leave it empty: it is loaded anew once the service answers,
// since a browser may keep a module that failed as failed.
export async function startPage(App: () => ComponentChildren): Promise<void> {
  const root = document.getElementById('app');
  const tag = preferredLanguage();
  try {
    await setLanguage(tag);
  } catch {
    document.documentElement.lang = tag;
    instead(AWAY[tag]);
    if (!(await loadAgain(() => true))) instead(LATE[tag]);
    return;
  }
  if (root) render(<Boundary><App /></Boundary>, root);
  arrived();
  keepShell();
}

// Says something under the bar, in place of the advice that waits there.
function instead(words: string): void {
  const place = document.querySelector<HTMLElement>('.shell-late, .shell-away');
  if (!place) return;
  place.className = 'shell-away';
  place.dataset['test'] = 'away';
  place.setAttribute('role', 'status');
  place.textContent = words;
}
