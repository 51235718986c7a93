// The service worker keeps the shell only: the four pages and their built parts,
// so that a page that is loaded again without a network still stands, and says
// what is wrong; one that was never opened is replaced by a page that says what to do. It never sees or keeps an answer of the interface (/api/).
export {};

interface Extendable extends Event {
  waitUntil(work: Promise<unknown>): void;
}

interface Fetching extends Extendable {
  readonly request: Request;
  respondWith(answer: Promise<Response>): void;
}

interface Telling extends Extendable {
  readonly data: unknown;
}

interface Scope {
  skipWaiting(): Promise<void>;
  clients: { claim(): Promise<void> };
  addEventListener(type: 'install' | 'activate', listener: (event: Extendable) => void): void;
  addEventListener(type: 'fetch', listener: (event: Fetching) => void): void;
  addEventListener(type: 'message', listener: (event: Telling) => void): void;
}

const scope = globalThis as unknown as Scope;
const SHELL = 'shell-1';
const PAGES = ['/', '/sign', '/compare', '/verify'];
const OFFLINE = ['/offline.html', '/offline.css', '/offline.js', '/icon.svg']; // shown where a page is not kept
const MOST = 120; // parts kept; their names hold their hashes, so old ones only take room

const isPart = (path: string) => path.startsWith('/assets/');

scope.addEventListener('install', (event) => event.waitUntil(caches.open(SHELL).then((cache) => cache.addAll(OFFLINE)).then(() => scope.skipWaiting())));

scope.addEventListener('activate', (event) => event.waitUntil(tidy().then(() => scope.clients.claim())));

// A page that was loaded before the worker ran tells what it is made of.
scope.addEventListener('message', (event) => {
  const paths = Array.isArray(event.data) ? event.data.filter((path): path is string => typeof path === 'string') : [];
  const own = paths.filter((path) => isPart(path) || PAGES.includes(path)).slice(0, MOST);
  event.waitUntil(caches.open(SHELL).then((cache) => Promise.allSettled(own.map((path) => keep(cache, path)))));
});

// A part never changes under its name.
async function keep(cache: Cache, path: string): Promise<void> {
  if (!isPart(path) || !(await cache.match(path))) await cache.add(path);
}

scope.addEventListener('fetch', (event) => {
  const url = new URL(event.request.url);
  if (event.request.method !== 'GET' || url.origin !== location.origin) return;
  if (isPart(url.pathname)) event.respondWith(fromCache(event.request));
  else if (OFFLINE.includes(url.pathname)) event.respondWith(fromNetwork(event.request, url.pathname));
  else if (PAGES.includes(url.pathname)) event.respondWith(fromNetwork(event.request, url.pathname));
});

async function fromCache(request: Request): Promise<Response> {
  const cache = await caches.open(SHELL);
  const kept = await cache.match(request);
  if (kept) return kept;
  const answer = await fetch(request);
  if (answer.status === 200) await cache.put(request, answer.clone());
  return answer;
}

async function fromNetwork(request: Request, path: string): Promise<Response> {
  const cache = await caches.open(SHELL);
  try {
    const answer = await fetch(request);
    if (answer.status === 200) await cache.put(path, answer.clone());
    return answer;
  } catch (error) {
    const kept = (await cache.match(path)) ?? (await cache.match('/offline.html'));
    if (kept) return kept;
    throw error;
  }
}

async function tidy(): Promise<void> {
  for (const name of await caches.keys()) if (name !== SHELL) await caches.delete(name);
  const cache = await caches.open(SHELL);
  const parts = (await cache.keys()).filter((request) => isPart(new URL(request.url).pathname));
  for (const old of parts.slice(0, Math.max(0, parts.length - MOST))) await cache.delete(old);
}
