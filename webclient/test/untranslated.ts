// Finds text that was left in English on a page of another language: visible
// text and what screen readers are told.
import type { Page } from 'playwright-core';

type Tree = { [key: string]: unknown };

const FILES = import.meta.glob<Tree>('../src/**/{text,casetext,common,reasons}/{en,fr,zh-Hant,zh-Hans}.ts', { eager: true, import: 'default' });

// The fixed phrases of a dictionary, single words too; those made by functions are
// found by their words, see below.
function phrases(tree: Tree): string[] {
  return Object.values(tree).flatMap((value) => (typeof value === 'string' ? [value] : value && typeof value === 'object' ? phrases(value as Tree) : []));
}

const phrasesOf = (tag: string) => new Set(Object.entries(FILES).filter(([path]) => path.endsWith(`/${tag}.ts`)).flatMap(([, tree]) => phrases(tree)));

// English phrases that no dictionary of the language has; the symbol of a unit is nobody's word.
function foreign(tag: string): Set<string> {
  const theirs = phrasesOf(tag);
  return new Set([...phrasesOf('en')].filter((phrase) => /[a-z]{2}/i.test(phrase) && phrase !== 'ms' && !theirs.has(phrase)));
}

const FOREIGN: Record<string, Set<string>> = Object.fromEntries(['fr', 'zh-Hant', 'zh-Hans'].map((tag) => [tag, foreign(tag)]));

// Words that only English sentences have: two of them beside each other give one away.
const TELLS = /\b(the|is|of|and|your|you|this|that|with|has|was|are|not|for|to|by)\s+(the|a|an|is|of|and|your|you|this|that|with|has|was|are|not|for|to|be|been|by|it)\b/i;

// What comes from people and not from a dictionary: names, titles, consent texts
// (marked with their language), documents.
const OTHERS = '.pdf-text, .mono, [data-test=language], [lang]:not(html), script, style, .mail';

export async function untranslated(page: Page): Promise<string[]> {
  const { texts, tag } = await page.evaluate((others) => {
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
    return { texts: [...found, document.title], tag: document.documentElement.lang };
  }, OTHERS);
  return [...new Set(texts)].filter((text) => FOREIGN[tag]?.has(text) || TELLS.test(text));
}
