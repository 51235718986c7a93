import type { Browser } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { get, launch, open, shoot } from './browser.ts';
import { Mock, TOKEN } from './mock/server.ts';

let browser: Browser;
let mock: Mock;
beforeAll(async () => {
  browser = await launch();
});
afterAll(() => browser.close());
beforeEach(async () => {
  mock = await Mock.start();
});
afterEach(() => mock.stop());

it.each(['en', 'fr', 'zh-Hant', 'zh-Hans'])('asks for a code before it shows the document (%s)', async (language) => {
  mock.ceremony.next = 'prove';
  mock.ceremony.signer.language = language;
  mock.ceremony.second = { ways: ['sms', 'totp'], phone: '•••• 78', proved: false };
  const { context, page, faults } = await open(browser, 'tablet');
  await page.goto(`${mock.url}/sign#t=${TOKEN}`);
  await get(page, 'prove').waitFor();
  expect(await get(page, 'prove').textContent()).toContain('78');
  await get(page, 'send-code').click();
  await get(page, 'code-sent').waitFor();
  expect(mock.codesSent).toBe(1);
  await get(page, 'prove-code').fill('111111');
  await get(page, 'prove-go').click();
  const wrong = (await get(page, 'code-wrong').textContent()) ?? '';
  expect(wrong.length).toBeGreaterThan(10);
  expect(wrong.includes('The code is wrong')).toBe(language === 'en');
  if (language === 'en') await shoot(page, 'sign-prove-tablet');
  await get(page, 'prove-by-totp').click();
  await get(page, 'prove-code').fill('123456');
  await get(page, 'prove-go').click();
  await get(page, 'prove').waitFor({ state: 'detached' });
  expect(mock.ceremony.second?.proved).toBe(true);
  expect(faults).toEqual([]);
  await context.close();
});

it('tells who is responsible for the data, and sends them a request', async () => {
  mock.ceremony.controller = 'Étude Martin, dpo@martin.example';
  const { context, page, faults } = await open(browser, 'phone');
  await page.goto(`${mock.url}/sign#t=${TOKEN}`);
  const told = (await get(page, 'controller').textContent()) ?? '';
  expect(told).toContain('Étude Martin, dpo@martin.example');
  await get(page, 'ask-controller').click();
  await get(page, 'ask-go').click();
  await page.locator('[data-test=ask-dialog] .field-error').waitFor();
  expect(mock.dataRequests).toEqual([]);
  await get(page, 'ask-text').fill('Which of my data do you have?');
  await get(page, 'ask-go').click();
  await get(page, 'ask-sent').waitFor();
  await shoot(page, 'sign-ask-phone');
  expect(mock.dataRequests).toEqual(['Which of my data do you have?']);
  expect(faults).toEqual([]);
  await context.close();
});
