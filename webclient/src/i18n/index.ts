// Languages of the pages. A dictionary is a typed object: a key that one language
// lacks, or a phrase that takes other values, fails the type check. Only the
// language in use is loaded.
import { signal } from '@preact/signals';
import { speak } from '../api.ts';

export const LANGUAGES = { en: 'English', fr: 'Français', 'zh-Hant': '繁體中文', 'zh-Hans': '简体中文' } as const;
export type Language = keyof typeof LANGUAGES;

// The shape that every translation of T must have: the same keys, and functions
// of the same values. Phrases themselves are free.
export type Translation<T> = {
  [K in keyof T]: T[K] extends string
    ? string
    : T[K] extends (...values: infer V) => string
      ? (...values: V) => string
      : Translation<T[K]>;
};

export const language = signal<Language>('en');

const STORED = 'language';
type Loaders<T> = Record<Language, () => Promise<{ default: Translation<T> }>>;
const loaded: ((tag: Language) => Promise<() => void>)[] = [];

// Registers a dictionary and returns the function that reads it. It may be read
// after the first setLanguage.
export function dictionary<T>(loaders: Loaders<T>): () => Translation<T> {
  const current = signal<Translation<T> | undefined>(undefined);
  loaded.push(async (tag) => {
    const module = await loaders[tag]();
    return () => {
      current.value = module.default;
    };
  });
  return () => {
    if (!current.value) throw new Error('texts are read before a language is loaded');
    return current.value;
  };
}

export async function setLanguage(tag: Language, remember = false): Promise<void> {
  const commits = await Promise.all(loaded.map((load) => load(tag)));
  for (const commit of commits) commit();
  language.value = tag;
  speak(tag);
  document.documentElement.lang = tag;
  if (remember) stored()?.setItem(STORED, tag);
}

// What the person chose here before, else what the browser prefers, else English.
export function preferredLanguage(): Language {
  const chosen = stored()?.getItem(STORED);
  for (const tag of [chosen ?? '', ...navigator.languages]) {
    const match = matchLanguage(tag);
    if (match) return match;
  }
  return 'en';
}

export function forgetLanguage(): void {
  stored()?.removeItem(STORED);
}

export function hasChosenLanguage(): boolean {
  return matchLanguage(stored()?.getItem(STORED) ?? '') !== undefined;
}

// Traditional characters are written in Taiwan, Hong Kong and Macau; plain "zh" is read as Simplified.
export function matchLanguage(tag: string): Language | undefined {
  const parts = tag.toLowerCase().split(/[-_]/);
  if (parts[0] === 'en' || parts[0] === 'fr') return parts[0];
  if (parts[0] !== 'zh') return undefined;
  if (parts.includes('hant')) return 'zh-Hant';
  if (parts.includes('hans')) return 'zh-Hans';
  return parts.some((part) => ['tw', 'hk', 'mo'].includes(part)) ? 'zh-Hant' : 'zh-Hans';
}

function stored(): Storage | undefined {
  try {
    return window.localStorage;
  } catch {
    return undefined;
  }
}
