// The parts that all pages are made of.
import { type ComponentChildren, type ComponentProps, createContext, type RefObject, type TargetedEvent } from 'preact';
import { useContext, useId, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { Problem } from '../api.ts';
import { common } from '../i18n/common/index.ts';

type Tone = 'info' | 'good' | 'warn' | 'bad';

interface ButtonProps {
  children: ComponentChildren;
  kind?: 'normal' | 'primary' | 'danger' | 'plain';
  large?: boolean;
  type?: 'button' | 'submit';
  disabled?: boolean;
  busy?: boolean;
  test?: string;
  label?: string; // accessible name when the content is an icon
  pressed?: boolean;
  onClick?: () => void;
}

export function Button({ children, kind = 'normal', large, type = 'button', disabled, busy, test, label, pressed, onClick }: ButtonProps) {
  const classes = ['button', kind !== 'normal' && `button-${kind}`, large && 'button-large'].filter(Boolean).join(' ');
  return (
    <button type={type} class={classes} disabled={disabled || busy} aria-busy={busy} data-test={test} aria-label={label} title={label} aria-pressed={pressed} onClick={onClick}>
      {children}
    </button>
  );
}

const Tried = createContext(false); // a form was sent while something was missing

// A form whose button can always be pressed: what is missing is then said where it is
// missing, in the page's language, and the first of these has the focus.
export function Form({ children, onSubmit, small, test }: { children: ComponentChildren; onSubmit: () => void; small?: boolean; test?: string }) {
  const element = useRef<HTMLFormElement>(null);
  const [tries, setTries] = useState(0); // in vain
  const missing = () => element.current?.querySelector<HTMLElement>('[data-missing]');
  const submit = (event: TargetedEvent<HTMLFormElement>) => {
    event.preventDefault();
    setTries(missing() ? tries + 1 : 0);
    if (!missing()) onSubmit();
  };
  useLayoutEffect(() => { // with its error there, which is then read out
    if (tries > 0) missing()?.focus();
  }, [tries]);
  return <form ref={element} class={small ? 'stack-small' : 'stack'} noValidate onSubmit={submit} data-test={test}><Tried.Provider value={tries > 0}>{children}</Tried.Provider></form>;
}

// What a part of a form that lacks something shows once the form was sent.
export function useMissing(missing: string | undefined): { error: string | undefined; attributes: object } {
  return { error: useContext(Tried) ? missing : undefined, attributes: missing ? { 'data-missing': true } : {} };
}

interface FieldProps {
  label: string;
  value: string;
  onInput: (value: string) => void;
  type?: 'text' | 'email' | 'password' | 'number' | 'date' | 'search' | 'url';
  hint?: string;
  error?: string;
  test?: string;
  autocomplete?: string;
  required?: boolean;
  minLength?: number;
  maxLength?: number;
  lines?: number;
  name?: string; // by which another part of the page finds it
}

export function TextField({ label, value, onInput, type = 'text', hint, error: wrong, test, autocomplete, required, minLength = 1, maxLength, lines, name }: FieldProps) {
  const id = useId();
  const [unreadable, setUnreadable] = useState(false); // as the browser finds, for an address or a number
  const length = (type === 'password' ? value : value.trim()).length;
  const lacks = length === 0 ? common().required : length < minLength ? common().tooShort(minLength) : undefined;
  const missing = useMissing(unreadable ? (type === 'email' ? common().noAddress : common().unreadable) : required ? lacks : undefined);
  const error = wrong ?? missing.error;
  const described = [hint && `${id}-hint`, error && `${id}-error`].filter(Boolean).join(' ') || undefined;
  const shared = {
    ...missing.attributes, id, value, required, maxLength, name, 'data-test': test, 'aria-describedby': described, 'aria-invalid': error ? true : undefined,
  } as const;
  return (
    <div class="field">
      <label for={id}>{label}</label>
      {lines ? (
        <textarea {...shared} rows={lines} onInput={(event) => onInput(event.currentTarget.value)} />
      ) : (
        <input {...({ ...shared, type, autocomplete, step: 'any' } as ComponentProps<'input'>)} onInput={({ currentTarget: { value, validity } }) => { setUnreadable(validity.typeMismatch || validity.badInput); onInput(value); }} />
      )}
      {hint && <span class="field-hint" id={`${id}-hint`}>{hint}</span>}
      {error && <span class="field-error" id={`${id}-error`} role="alert">{error}</span>}
    </div>
  );
}

export function Check({ label, checked, onChange, disabled, test, name }: { label: string; checked: boolean; onChange: (checked: boolean) => void; disabled?: boolean; test?: string; name?: string }) {
  return (
    <label class="check">
      <input type="checkbox" checked={checked} disabled={disabled} name={name} data-test={test} onChange={(event) => onChange(event.currentTarget.checked)} />
      <span>{label}</span>
    </label>
  );
}

interface SelectProps<T extends string> {
  label: string;
  value: T;
  options: Record<T, string> | (readonly [T, string])[]; // pairs where the order is not that of the keys
  onChange: (value: T) => void;
  compact?: boolean; // the label is for screen readers only
  test?: string;
}

export function Select<T extends string>({ label, value, options, onChange, compact, test }: SelectProps<T>) {
  const id = useId();
  return (
    <div class="field">
      <label for={id} class={compact ? 'visually-hidden' : undefined}>{label}</label>
      <select id={id} class="select" value={value} data-test={test} onChange={(event) => onChange(event.currentTarget.value as T)}>
        {(Array.isArray(options) ? options : Object.entries<string>(options)).map(([key, name]) => <option key={key} value={key}>{name}</option>)}
      </select>
    </div>
  );
}

// A panel that is a whole screen by itself carries the page's heading: `main`.
// `heading` is for the focus, where what had it is gone.
export function Panel({ title, tools, children, test, main, heading }: { title?: string; tools?: ComponentChildren; children: ComponentChildren; test?: string; main?: boolean; heading?: RefObject<HTMLHeadingElement | null> }) {
  const Heading = main ? 'h1' : 'h2';
  return (
    <section class="panel stack" data-test={test}>
      {(title || tools) && <div class="panel-head">{title && <Heading ref={heading} tabIndex={heading && -1}>{title}</Heading>}{tools}</div>}
      {children}
    </section>
  );
}

// Spoken at once when it is bad, politely otherwise.
export function Notice({ tone = 'info', children, test }: { tone?: Tone; children: ComponentChildren; test?: string }) {
  return (
    <div class={`notice notice-${tone}`} role={tone === 'bad' ? 'alert' : 'status'} data-test={test}>
      <div class="stack-small">{children}</div>
    </div>
  );
}

export function Badge({ tone, children, test }: { tone?: 'good' | 'warn' | 'bad' | 'accent'; children: ComponentChildren; test?: string }) {
  return <span class={tone ? `badge badge-${tone}` : 'badge'} data-test={test}>{children}</span>;
}

export function Progress({ label, value, max }: { label: string; value?: number; max?: number }) {
  if (value === undefined) return <p class="busy" role="status">{label}</p>;
  return (
    <div class="progress">
      <span class="small" role="status">{label}</span>
      <progress value={value} max={max} aria-label={label} />
    </div>
  );
}

export function Empty({ title, text, children, test, main }: { title: string; text: string; children?: ComponentChildren; test?: string; main?: boolean }) {
  const Heading = main ? 'h1' : 'h2';
  return (
    <div class="empty" data-test={test}>
      <Heading>{title}</Heading>
      <p>{text}</p>
      {children}
    </div>
  );
}

export function Dialog({ title, open, onClose, children, test }: { title: string; open: boolean; onClose: () => void; children: ComponentChildren; test?: string }) {
  const element = useRef<HTMLDialogElement>(null);
  const id = useId();
  // With what stands in it: a frame later, what is typed meanwhile would go nowhere.
  useLayoutEffect(() => {
    const dialog = element.current;
    if (!dialog) return;
    if (open && !dialog.open) dialog.showModal();
    if (!open && dialog.open) dialog.close();
  }, [open]);
  // Who leaves it by a key or a gesture: what opened it has to know before it is gone, or it
  // could not open it again at once. A file that is not chosen after all cancels no dialog.
  const cancel = (event: Event) => {
    if (event.target !== element.current) return;
    event.preventDefault();
    onClose();
  };
  // The browser tells that it was closed a moment later, when it may be open again.
  return (
    <dialog class="dialog" ref={element} aria-labelledby={id} onCancel={cancel} onClose={() => { if (!element.current?.open) onClose(); }} data-test={test}>
      {open && <div class="stack"><h2 id={id}>{title}</h2>{children}</div>}
    </dialog>
  );
}

// What a failed request means, in the reader's language, with the service's own detail.
export function ProblemNotice({ problem, onRetry }: { problem: unknown; onRetry?: () => void }) {
  if (!problem) return null;
  return (
    <Notice tone="bad" test="problem">
      <p>{problemText(problem)}</p>
      {onRetry && <div><Button onClick={onRetry} test="retry">{common().tryAgain}</Button></div>}
    </Notice>
  );
}

export function problemText(problem: unknown): string {
  const texts = common().problems;
  if (!(problem instanceof Problem)) return texts.server;
  if (problem.unreachable) return texts.unreachable;
  const specific = problem.detail || problem.message;
  switch (problem.status) {
    case 401: return texts.signedOut;
    case 403: return problem.code === 'others-recorded' ? texts.othersRecorded : texts.forbidden;
    case 404: case 410: return texts.missing;
    case 413: return texts.tooLarge;
    case 422: return problem.code === 'wrong-password' ? texts.wrongPassword : specific;
    case 429: return texts.tooMany;
    case 409: return problem.code === 'in-progress' ? texts.server : specific || texts.conflict;
    default: return problem.status >= 500 ? texts.server : specific;
  }
}
