// A real Chromium for the page tests, a pen that replays recorded signatures
// with their own timing, and an answering peer for the camera's stream.
import { mkdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type Browser, type BrowserContext, type BrowserContextOptions, chromium, type Page, type Request } from 'playwright-core';
import { expect, onTestFailed } from 'vitest';

export const SIZES = { desktop: [1280, 800], tablet: [1024, 768], phone: [390, 844] } as const;
export type Size = keyof typeof SIZES;

// The same Chromium without the window around the page, which nobody sees and which
// took most of the processor's time. Figures of speed are those of the whole browser.
const SHELL = '/usr/bin/chromium-headless-shell';
export const WHOLE = '/usr/bin/chromium';

export function launch(executablePath = process.env['CHROMIUM'] ?? SHELL): Promise<Browser> {
  return chromium.launch({
    executablePath,
    args: [
      '--no-sandbox', '--disable-gpu', '--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream',
      '--disable-background-networking', '--disable-quic', '--no-first-run', '--disable-component-update', '--disable-sync',
      '--disable-features=WebRtcHideLocalIpsWithMdns',
    ],
  });
}

// A context in which everything that goes wrong in the page is collected. Without a
// service worker, which is a process of its own for every origin and keeps the whole
// shell: tests of a page without a network ask for it.
export async function open(browser: Browser, size: Size, options: BrowserContextOptions = {}): Promise<{ context: BrowserContext; page: Page; faults: string[] }> {
  const [width, height] = SIZES[size];
  const context = await browser.newContext({ viewport: { width, height }, permissions: ['camera', 'microphone'], locale: 'en-GB', hasTouch: size !== 'desktop', serviceWorkers: 'block', ...options });
  context.on('page', (page) => void slow(page));
  if (SLOW > 1) await context.route(/\/(api|assets)\//, async (route) => {
    await late();
    await route.fallback().catch(() => undefined); // the page may be gone
  });
  const page = await context.newPage();
  const faults = watch(page);
  if (expect.getState().currentTestName) tellIfFailed(page, faults); // not one that many tests share
  return { context, page, faults };
}

const LATEST = 12; // requests that are told

// A failure says what the page showed and asked for, since a page that waits for something
// says nothing by itself and a rare failure is seen once.
function tellIfFailed(page: Page, faults: string[]): void {
  const requests: string[] = [];
  const note = (how: string) => (request: Request) => {
    requests.push(`${how} ${new URL(request.url()).pathname} ${request.failure()?.errorText ?? ''}`.trim());
    if (requests.length > LATEST) requests.shift();
  };
  page.on('request', note('asked'));
  page.on('requestfinished', note('had'));
  page.on('requestfailed', note('lost'));
  onTestFailed(async ({ task }) => {
    const shown = await page.locator('main, body').last().innerText({ timeout: 2000 }).catch(() => '(closed)');
    const [error] = task.result?.errors ?? [];
    if (error) error.message += `\nThe page at ${page.url()} showed:\n${shown.replace(/\s*\n\s*/g, ' | ').slice(0, 500)}\nand asked last: ${requests.join(', ')}\nfaults: ${faults.join(', ')}`;
  });
}

// SLOW=4: pages that run four times slower than the tests that watch them, requests that
// leave late, and a stand-in that takes its time to answer. What a test found too early by
// luck is then missing.
export const SLOW = Number(process.env['SLOW'] ?? 1);

export const late = () => (SLOW > 1 ? new Promise<void>((resolve) => setTimeout(resolve, Math.random() * 100 * SLOW)) : Promise.resolve());

async function slow(page: Page): Promise<void> {
  if (SLOW <= 1) return;
  try {
    const client = await page.context().newCDPSession(page);
    await client.send('Emulation.setCPUThrottlingRate', { rate: SLOW });
  } catch {
    // closed already
  }
}

// Everything that goes wrong in the page.
export function watch(page: Page): string[] {
  const faults: string[] = [];
  page.on('pageerror', (error) => faults.push(`${error.message}`));
  page.on('console', (message) => {
    if (message.type() === 'error' && !/Failed to load resource|WebSocket connection/.test(message.text())) faults.push(message.text());
  });
  return faults;
}

export interface Sample {
  time: number; // ms
  x: number; // CSS px from the ink's top left
  y: number;
  pressure: number; // 0..1
  tiltX: number; // degrees
  tiltY: number;
  down: boolean;
}

export function readSignature(name: string): Sample[] {
  const text = readFileSync(fileURLToPath(new URL(`../../testdata/signatures/${name}.csv`, import.meta.url)), 'utf8');
  return text.trim().split('\n').slice(1).map((line) => {
    const [time = 0, x = 0, y = 0, pressure = 0, tiltX = 0, tiltY = 0, down = 0] = line.split(',').map(Number);
    return { time, x, y, pressure: pressure / 65535, tiltX, tiltY, down: down === 1 };
  });
}

const MARGIN = 20; // CSS px between the ink and the pad's edge

// Draws samples with a pen through CDP, at `speed` times their own pace; the time
// stamps are those of the pace, or of their arrival in the browser. Returns them as
// drawn, in CSS px of the pad.
export async function drawPen(page: Page, samples: Sample[], speed = 1, ownTimes = true): Promise<Sample[]> {
  const pad = await page.locator('[data-test=pad-canvas]').boundingBox();
  if (!pad) throw new Error('no pad');
  const width = Math.max(...samples.map((one) => one.x));
  const height = Math.max(...samples.map((one) => one.y));
  const scale = Math.min((pad.width - 2 * MARGIN) / width, (pad.height - 2 * MARGIN) / height, 1);
  const client = await page.context().newCDPSession(page);
  const begin = Date.now() / 1000;
  const first = samples[0]?.time ?? 0;
  let down = false;
  const sent: Promise<unknown>[] = [];
  for (const one of samples) {
    const due = begin + (one.time - first) / 1000 / speed;
    const wait = (one.time - first) / speed - (Date.now() - begin * 1000);
    if (wait > 4) await new Promise((resolve) => setTimeout(resolve, wait));
    const type = one.down && !down ? 'mousePressed' : !one.down && down ? 'mouseReleased' : 'mouseMoved';
    down = one.down;
    sent.push(client.send('Input.dispatchMouseEvent', {
      type, x: pad.x + MARGIN + one.x * scale, y: pad.y + MARGIN + one.y * scale, ...(ownTimes ? { timestamp: due } : {}),
      button: type === 'mouseMoved' && !down ? 'none' : 'left', buttons: down ? 1 : 0, clickCount: type === 'mouseMoved' ? 0 : 1,
      pointerType: 'pen', force: one.pressure, tiltX: Math.round(one.tiltX), tiltY: Math.round(one.tiltY),
    }));
  }
  await Promise.all(sent);
  if (down) await client.send('Input.dispatchMouseEvent', { type: 'mouseReleased', x: pad.x + MARGIN, y: pad.y + MARGIN, button: 'left', pointerType: 'pen' });
  await client.detach();
  return samples.map((one) => ({ ...one, x: MARGIN + one.x * scale, y: MARGIN + one.y * scale }));
}

// Answers WHIP offers with a real peer in another page of the same browser, since
// the mock speaks no WebRTC. Returns what the peer has received.
export async function answerMedia(context: BrowserContext, mock: { url: string }): Promise<{ frames(): Promise<number>; ended(): number; drop(): Promise<void> }> {
  const peer = await context.newPage();
  await peer.goto(`${mock.url}/icon.svg`);
  await context.pages()[0]?.bringToFront(); // a page behind another gets one frame a second
  let ended = 0;
  await context.route('**/api/signing/captures/*/media**', async (route) => {
    if (route.request().method() === 'DELETE') {
      ended++;
      return route.fulfill({ status: 204 });
    }
    const answer = await peer.evaluate(async (sdp) => {
      const remote = new RTCPeerConnection();
      const all = ((globalThis as any).peers ??= []) as RTCPeerConnection[];
      all.push(remote);
      await remote.setRemoteDescription({ type: 'offer', sdp });
      await remote.setLocalDescription(await remote.createAnswer());
      if (remote.iceGatheringState !== 'complete') await new Promise((resolve) => remote.addEventListener('icegatheringstatechange', () => remote.iceGatheringState === 'complete' && resolve(0)));
      return remote.localDescription?.sdp ?? '';
    }, route.request().postData() ?? '');
    await route.fulfill({ status: 201, contentType: 'application/sdp', headers: { Location: `${new URL(route.request().url()).pathname}/r1` }, body: answer });
  });
  return {
    ended: () => ended,
    // Frames that arrived on all connections so far.
    frames: () => peer.evaluate(async () => {
      let frames = 0;
      for (const one of ((globalThis as any).peers ?? []) as RTCPeerConnection[]) {
        for (const report of (await one.getStats()).values()) if (report.type === 'inbound-rtp' && report.kind === 'video') frames += report.framesReceived ?? 0;
      }
      return frames;
    }),
    drop: () => peer.evaluate(() => ((globalThis as any).peers as RTCPeerConnection[]).splice(0).forEach((one) => one.close())),
  };
}

// Waits until the service worker has kept everything the page was made of, and tells what.
export async function kept(page: Page): Promise<string[]> {
  const look = () => page.evaluate(async () => {
    const paths = (all: readonly { url: string }[]) => all.map(({ url }) => new URL(url, location.href).pathname);
    const kept = paths((await Promise.all((await caches.keys()).map(async (name) => (await caches.open(name)).keys()))).flat());
    const parts = paths(performance.getEntriesByType('resource').map(({ name }) => ({ url: name }))).filter((path) => path.startsWith('/assets/'));
    return { kept, missing: [location.pathname, '/offline.html', ...parts].filter((path) => !kept.includes(path)) };
  });
  await expect.poll(async () => (await look()).missing, { timeout: 15_000 }).toEqual([]);
  return (await look()).kept;
}

// Halts the script of a page, timers and sockets with it, as a browser does with one that
// sleeps: headless Chromium keeps every tab visible and so never freezes one
// (Page.setWebLifecycleState does nothing). Returns what wakes it.
export async function sleep(page: Page): Promise<() => Promise<void>> {
  const client = await page.context().newCDPSession(page);
  await client.send('Debugger.enable');
  const halted = new Promise((resolve) => client.once('Debugger.paused', resolve));
  await client.send('Debugger.pause');
  await halted; // at the next timer
  return async () => {
    await client.send('Debugger.resume');
    await client.send('Debugger.disable');
  };
}

// Holds back the answer to the next request for `glob` until it is let go; what is asked for
// after it goes its way.
export async function hold(context: BrowserContext, glob: string): Promise<{ asked: Promise<void>; letGo(): Promise<void> }> {
  let letGo: () => void = () => undefined;
  const until = new Promise<void>((resolve) => (letGo = resolve));
  let answered: () => void = () => undefined;
  const done = new Promise<void>((resolve) => (answered = resolve));
  const asked = new Promise<void>((resolve, reject) => {
    context.route(glob, async (route) => {
      const response = await route.fetch(); // as things stand now
      resolve();
      await until;
      await route.fulfill({ response });
      answered();
    }, { times: 1 }).catch(reject);
  });
  return { asked, letGo: () => (letGo(), done) };
}

const shots = fileURLToPath(new URL('../../out/web/', import.meta.url));

// Pictures for people, of every screen in every look: with SHOTS=1, since they take longer than the checks.
export async function shoot(page: Page, name: string): Promise<void> {
  if (!process.env['SHOTS']) return;
  mkdirSync(shots, { recursive: true });
  await page.screenshot({ path: `${shots}${name}.png`, fullPage: true });
}

export const get = (page: Page, test: string) => page.locator(`[data-test="${test}"]`);
