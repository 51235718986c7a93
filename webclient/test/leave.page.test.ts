// A step that is left while something of it is still on its way: nothing of it begins
// afterwards, and nothing of it shows.
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Ceremony } from '../src/api.ts';
import { drawPen, get, hold, launch, open, readSignature } from './browser.ts';
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

// All consents are given, and this is what comes next.
async function begin(page: Page, next: Ceremony['next']): Promise<void> {
  mock.ceremony.consents.forEach((consent) => Object.assign(consent, { given: true, at: '2026-11-23T19:00:00Z' }));
  mock.ceremony.references = { have: 1, need: 1, want: 3 };
  mock.ceremony.next = next;
  await page.goto(`${mock.url}/sign#t=${TOKEN}`);
}

async function decline(page: Page): Promise<void> {
  await get(page, 'decline').click();
  await get(page, 'decline-confirm').click();
  await get(page, 'declined').waitFor();
}

// A permission prompt that is answered when the test says so.
async function slowPrompt(page: Page): Promise<void> {
  await page.addInitScript(() => {
    const ask = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
    const answered = new Promise<void>((resolve) => Object.assign(globalThis, { allow: resolve }));
    navigator.mediaDevices.getUserMedia = async (constraints) => {
      await answered;
      const stream = await ask(constraints);
      Object.assign(globalThis, { stream });
      return stream;
    };
  });
}

const tracks = (page: Page) => page.evaluate(() => ((globalThis as any).stream as MediaStream | undefined)?.getTracks().map((track) => track.readyState));

describe('the camera', () => {
  it.each([
    ['declines', decline],
    ['signs without it', async (page: Page) => {
      await get(page, 'camera-without').click();
      await get(page, 'pad-start').waitFor();
    }],
  ])('is switched off again when it is allowed after the signer %s', async (_, leave) => {
    const { context, page, faults } = await open(browser, 'tablet');
    await slowPrompt(page);
    await begin(page, 'sign');
    await get(page, 'camera-on').click();
    await leave(page);
    await page.evaluate(() => (globalThis as any).allow());
    await expect.poll(() => tracks(page)).toEqual(['ended', 'ended']);
    expect(faults).toEqual([]);
    await context.close();
  });
});

describe('a recording', () => {
  it('is given up when the service begins it after the pad is gone', async () => {
    const { context, page, faults } = await open(browser, 'tablet');
    const sockets: string[] = [];
    page.on('websocket', (socket) => sockets.push(socket.url()));
    await begin(page, 'enrol');
    const slow = await hold(context, '**/api/signing/captures');
    await get(page, 'pad-start').click();
    await slow.asked;
    await get(page, 'enrol-enough').click();
    await get(page, 'camera-check').waitFor();
    await slow.letGo();
    await expect.poll(() => mock.requests).toContain(`POST /api/signing/captures/${mock.lastSession().id}/discard`);
    expect(sockets).toEqual([]);
    expect(faults).toEqual([]);
    await context.close();
  });

  it('whose end is told after the signer declined shows no earlier step', async () => {
    const { context, page, faults } = await open(browser, 'tablet');
    await begin(page, 'enrol');
    await get(page, 'pad-start').click();
    await page.locator('[data-test=pad][data-state=live]').waitFor();
    await drawPen(page, readSignature('w1-genuine-01'), 8);
    const slow = await hold(context, '**/captures/*/finish');
    await get(page, 'pad-done').click();
    await slow.asked;
    await decline(page);
    const answered = page.waitForResponse('**/captures/*/finish').then((response) => response.finished());
    await slow.letGo();
    await answered;
    await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)))); // what it shows is shown
    expect(await get(page, 'declined').count()).toBe(1);
    expect(faults).toEqual([]);
    await context.close();
  });
});
