// Finds text that was left in English on a page of another language: visible
// text and what screen readers are told.
import type { Page } from 'playwright-core';
import casesEn from '../src/compare/casetext/en.ts';
import compareEn from '../src/compare/text/en.ts';
import commonEn from '../src/i18n/common/en.ts';
import ownEn from '../src/own/text/en.ts';
import settingsEn from '../src/own/settings/text/en.ts';
import signEn from '../src/sign/text/en.ts';
import reasonsEn from '../src/verify/reasons/en.ts';
import verifyEn from '../src/verify/text/en.ts';

type Tree = { [key: string]: unknown };

// The fixed phrases of the dictionaries; those made by functions are found by
// their words, see below.
function phrases(tree: Tree): string[] {
  return Object.values(tree).flatMap((value) => (typeof value === 'string' ? [value] : value && typeof value === 'object' ? phrases(value as Tree) : []));
}

const ENGLISH = [casesEn, compareEn, commonEn, ownEn, settingsEn, signEn, reasonsEn, verifyEn].flatMap((tree) => phrases(tree as Tree)).filter((phrase) => /[a-z] [a-z]/i.test(phrase) && phrase.length > 7);

// Words that only English sentences have: two of them beside each other give one away.
const TELLS = /\b(the|is|of|and|your|you|this|that|with|has|was|are|not|for|to|by)\s+(the|a|an|is|of|and|your|you|this|that|with|has|was|are|not|for|to|be|been|by|it)\b/i;

// What comes from people and not from a dictionary: names, titles, consent texts
// (marked with their language), documents.
const OTHERS = '.pdf-text, .mono, [data-test=language], [lang]:not(html), script, style, .mail';

export async function untranslated(page: Page): Promise<string[]> {
  const texts = await page.evaluate((others) => {
    const found: string[] = [];
    const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    for (let node = walk.nextNode(); node; node = walk.nextNode()) {
      const parent = node.parentElement;
      const words = node.textContent?.trim() ?? '';
      if (parent && words && !parent.closest(others)) found.push(words);
    }
    for (const element of document.querySelectorAll('[aria-label], [title], [placeholder], [alt]')) {
      if (element.closest(others)) continue;
      for (const name of ['aria-label', 'title', 'placeholder', 'alt']) found.push(element.getAttribute(name) ?? '');
    }
    return [...found, document.title];
  }, OTHERS);
  return [...new Set(texts)].filter((text) => ENGLISH.includes(text) || TELLS.test(text));
}
