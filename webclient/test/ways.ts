// The three ways to work a page: a mouse, a finger, and a keyboard alone.
import type { FileChooser, Locator, Page } from 'playwright-core';
import { get } from './browser.ts';

export interface Way {
  press(test: string): Promise<void>;
  write(test: string, words: string): Promise<void>;
  choose(test: string, value: string): Promise<void>; // of a list
  tick(test: string): Promise<void>;
  bring(test: string, file: { name: string; mimeType: string; buffer: Buffer }): Promise<void>; // a file, by the button
}

const attached = (page: Page, test: string) => get(page, test).first();

async function chosen(page: Page, press: () => Promise<void>, file: Parameters<FileChooser['setFiles']>[0]): Promise<void> {
  const chooser = page.waitForEvent('filechooser');
  await press();
  await (await chooser).setFiles(file);
}

const pointed = (page: Page, at: (locator: Locator) => Promise<void>): Way => ({
  press: (test) => at(attached(page, test)),
  write: (test, words) => attached(page, test).fill(words),
  choose: async (test, value) => void (await attached(page, test).selectOption(value)),
  tick: (test) => attached(page, test).check(),
  bring: (test, file) => chosen(page, () => at(attached(page, test)), file),
});

export const byMouse = (page: Page): Way => pointed(page, (locator) => locator.click());
export const byFinger = (page: Page): Way => pointed(page, (locator) => locator.tap());

export function byKeyboard(page: Page): Way {
  const focused = (test: string) => page.evaluate((name) => document.activeElement?.getAttribute('data-test') === name, test);
  const to = async (test: string) => {
    const wanted = attached(page, test);
    await wanted.waitFor();
    for (let i = 0; i < 50 && !(await wanted.isEnabled()); i++) await page.waitForTimeout(100); // a button that is busy
    for (let i = 0; i < 250; i++) {
      if (await focused(test)) return;
      await page.keyboard.press('Tab');
    }
    throw new Error(`no way to ${test} by keyboard`);
  };
  const press = async (test: string) => {
    await to(test);
    await page.keyboard.press('Enter');
  };
  return {
    press,
    write: async (test, words) => {
      await to(test);
      await page.keyboard.press('ControlOrMeta+a');
      await page.keyboard.type(words);
    },
    choose: async (test, value) => {
      await to(test);
      await page.keyboard.press('Home');
      for (let i = 0; i < 40 && (await attached(page, test).inputValue()) !== value; i++) await page.keyboard.press('ArrowDown');
      if ((await attached(page, test).inputValue()) !== value) throw new Error(`no ${value} in ${test} by keyboard`);
    },
    // A group of radio buttons is one stop of the tab key; the arrows move within it.
    tick: async (test) => {
      const wanted = attached(page, test);
      await wanted.waitFor();
      const group = await wanted.evaluate((element) => ((element as HTMLInputElement).type === 'radio' ? (element as HTMLInputElement).name : ''));
      if (!group) {
        await to(test);
        return page.keyboard.press('Space');
      }
      for (let i = 0; i < 250 && !(await page.evaluate((name) => (document.activeElement as HTMLInputElement | null)?.name === name, group)); i++) await page.keyboard.press('Tab');
      await page.keyboard.press('Space');
      for (let i = 0; i < 10 && !(await wanted.isChecked()); i++) await page.keyboard.press('ArrowDown');
      if (!(await wanted.isChecked())) throw new Error(`no way to ${test} by keyboard`);
    },
    bring: (test, file) => chosen(page, () => press(test), file),
  };
}
