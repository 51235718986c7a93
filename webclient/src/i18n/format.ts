// Dates, numbers and sizes as the reader's language writes them.
import { language } from './index.ts';

export function dateTime(iso: string): string {
  return show(iso, { dateStyle: 'medium', timeStyle: 'short' });
}

export function day(iso: string): string {
  return show(iso, { dateStyle: 'long' });
}

// A day as the service writes one, 2026-11-29: the same day everywhere.
export function longDay(value: string): string {
  const date = new Date(`${value}T12:00:00Z`);
  if (Number.isNaN(date.getTime())) return value;
  return new Intl.DateTimeFormat(language.value, { dateStyle: 'long', timeZone: 'UTC' }).format(date);
}

// To the second and with its zone: for evidence.
export function exactTime(iso: string): string {
  return show(iso, { dateStyle: 'medium', timeStyle: 'long' });
}

function show(iso: string, options: Intl.DateTimeFormatOptions): string {
  const date = new Date(iso);
  if (Number.isNaN(date.getTime())) return iso;
  return new Intl.DateTimeFormat(language.value, options).format(date);
}

export function number(value: number, digits = 0): string {
  return new Intl.NumberFormat(language.value, { maximumFractionDigits: digits, minimumFractionDigits: digits }).format(value);
}

export function percent(part: number): string {
  return new Intl.NumberFormat(language.value, { style: 'percent' }).format(part);
}

const UNITS = ['byte', 'kilobyte', 'megabyte', 'gigabyte'] as const;

export function size(bytes: number): string {
  const step = Math.min(UNITS.length - 1, bytes > 0 ? Math.floor(Math.log10(bytes) / 3) : 0);
  return new Intl.NumberFormat(language.value, {
    style: 'unit',
    unit: UNITS[step],
    unitDisplay: 'short',
    maximumFractionDigits: step > 1 ? 1 : 0,
  }).format(bytes / 1000 ** step);
}

// One of two phrases by the language's own rule; Chinese always takes the second.
export function plural(tag: string, count: number, one: string, other: string): string {
  return new Intl.PluralRules(tag).select(count) === 'one' ? one : other;
}
