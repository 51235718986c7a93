import { afterEach, describe, expect, it } from 'vitest';
import commonEn from './common/en.ts';
import commonFr from './common/fr.ts';
import commonHans from './common/zh-Hans.ts';
import commonHant from './common/zh-Hant.ts';
import compareEn from '../compare/text/en.ts';
import compareFr from '../compare/text/fr.ts';
import compareHans from '../compare/text/zh-Hans.ts';
import compareHant from '../compare/text/zh-Hant.ts';
import caseEn from '../compare/casetext/en.ts';
import caseFr from '../compare/casetext/fr.ts';
import caseHans from '../compare/casetext/zh-Hans.ts';
import caseHant from '../compare/casetext/zh-Hant.ts';
import ownEn from '../own/text/en.ts';
import ownFr from '../own/text/fr.ts';
import ownHans from '../own/text/zh-Hans.ts';
import ownHant from '../own/text/zh-Hant.ts';
import settingsEn from '../own/settings/text/en.ts';
import settingsFr from '../own/settings/text/fr.ts';
import settingsHans from '../own/settings/text/zh-Hans.ts';
import settingsHant from '../own/settings/text/zh-Hant.ts';
import signEn from '../sign/text/en.ts';
import signFr from '../sign/text/fr.ts';
import signHans from '../sign/text/zh-Hans.ts';
import signHant from '../sign/text/zh-Hant.ts';
import verifyEn from '../verify/text/en.ts';
import verifyFr from '../verify/text/fr.ts';
import verifyHans from '../verify/text/zh-Hans.ts';
import verifyHant from '../verify/text/zh-Hant.ts';
import reasonsEn from '../verify/reasons/en.ts';
import reasonsFr from '../verify/reasons/fr.ts';
import reasonsHans from '../verify/reasons/zh-Hans.ts';
import reasonsHant from '../verify/reasons/zh-Hant.ts';
import { plural, size } from './format.ts';
import { language, matchLanguage } from './index.ts';

afterEach(() => {
  language.value = 'en';
});

it.each([
  ['en-GB', 'en'], ['fr', 'fr'], ['fr-CA', 'fr'], ['zh-TW', 'zh-Hant'], ['zh-HK', 'zh-Hant'], ['zh-Hant-HK', 'zh-Hant'],
  ['zh-CN', 'zh-Hans'], ['zh', 'zh-Hans'], ['zh-Hans-TW', 'zh-Hans'], ['de', undefined], ['', undefined],
])('%j is read as %j', (tag, expected) => {
  expect(matchLanguage(tag)).toBe(expected);
});

it('sizes follow the language', () => {
  expect(size(0)).toBe('0 byte');
  expect(size(4_300_000)).toBe('4.3 MB');
  language.value = 'fr';
  expect(size(4_300_000).replace(/\s/g, ' ')).toBe('4,3 Mo');
});

it('French counts none as one', () => {
  expect([0, 1, 2].map((n) => plural('fr', n, 'a', 'b')).join('')).toBe('aab');
  expect([0, 1, 2].map((n) => plural('en', n, 'a', 'b')).join('')).toBe('bab');
});

// What no type can see: a phrase left in English, an empty one, a wrong space.
type Tree = { [key: string]: Tree | string | ((...values: never[]) => string) };

function phrases(tree: Tree, at = ''): [string, string][] {
  return Object.entries(tree).flatMap(([key, value]) => {
    if (typeof value === 'string') return [[`${at}${key}`, value] as [string, string]];
    if (typeof value === 'function') return [[`${at}${key}`, String((value as (...values: unknown[]) => string)(7, 7, 7))] as [string, string]];
    return phrases(value, `${at}${key}.`);
  });
}

// Phrases that are rightly the same in both languages.
const SAME = /^(brand|pdf\.label|title|nav\.documents|document\.service|confirm\.document|list\.(document)|channels\.[xy]|units\..*|pointers\.|kinds\..*|signIn\.code|prove\.code|details\.signature|documents|features\.names.*|sheets\.title|intro\.pages|.*\bcodes\..*|document\.activity|replay\.(pause)|verdict\.(calibration)|(fill\.kinds|plan\.fieldKinds)\.(signature|date)|fill\.page|plan\.fieldOf|settings\.organisation\.title|settings\.webhooks\.title|plan\.levels\.simple|tools\.(angleIs|names\.(angle|note))|notes\.(title|text)|(tabs|cases)\.signatures|ask\.signature|items\.formats\.inkml|record\.details\.(item|format))$/;

describe.each([
  ['common', commonEn, commonFr, commonHant, commonHans],
  ['sign', signEn, signFr, signHant, signHans],
  ['own', ownEn, ownFr, ownHant, ownHans],
  ['settings', settingsEn, settingsFr, settingsHant, settingsHans],
  ['compare', compareEn, compareFr, compareHant, compareHans],
  ['disputes', caseEn, caseFr, caseHant, caseHans],
  ['verify', verifyEn, verifyFr, verifyHant, verifyHans],
  ['checks', reasonsEn, reasonsFr, reasonsHant, reasonsHans],
] as [string, Tree, Tree, Tree, Tree][])('texts of %s', (_, en, fr, hant, hans) => {
  const english = new Map(phrases(en));

  it('have no empty phrase', () => {
    for (const tree of [en, fr, hant, hans]) expect(phrases(tree).filter(([key, value]) => value.trim() === '' && !key.endsWith('.')).map(([key]) => key)).toEqual([]);
  });

  it('are translated', () => {
    for (const tree of [fr, hant, hans]) {
      const same = phrases(tree).filter(([key, value]) => english.get(key) === value && /[a-z]{4}/i.test(value) && !SAME.test(key));
      expect(same).toEqual([]);
    }
  });

  it('in French keep a high sign on the line of its word', () => {
    expect(phrases(fr).filter(([, value]) => /\S [:;?!»]|« /.test(value))).toEqual([]);
  });

  it('in Chinese are in the right characters', () => {
    expect(phrases(hant).filter(([, value]) => /[们这国认证签图设录账关闭]/.test(value)).map(([key]) => key)).toEqual([]);
    expect(phrases(hans).filter(([, value]) => /[們這國認證簽圖設備錄帳關閉]/.test(value)).map(([key]) => key)).toEqual([]);
  });
});
