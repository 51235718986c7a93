// One window at a time: the windows of a browser share the signer's cookie and what
// is kept of a recording, so two of them would spoil each other's. A Web Lock says
// which one it is; another asks it to put everything away, and takes the lock.
const NAME = 'inkwitness-signing';
const PATIENCE_MS = 700; // for a page that is loaded again and still leaves
const HANDING_MS = 2000; // after which a window that sleeps is no longer waited for

let putAway: (() => Promise<void>) | undefined; // another window goes on: stores everything
let release: (() => void) | undefined; // while this window is the one
const channel = 'BroadcastChannel' in window ? new BroadcastChannel(NAME) : undefined;

channel?.addEventListener('message', ({ data }) => {
  if (data === 'hand over' && release) void putAway?.().then(() => channel.postMessage('handed'));
});

// Tells whether this window is the one.
export function enter(onTaken: () => Promise<void>): Promise<boolean> {
  putAway = onTaken;
  if (release || !navigator.locks) return Promise.resolve(true);
  return hold({ signal: AbortSignal.timeout(PATIENCE_MS) });
}

export async function takeOver(): Promise<void> {
  if (release || !navigator.locks) return;
  const { held = [] } = await navigator.locks.query();
  if (channel && held.some((lock) => lock.name === NAME)) await askToHandOver(channel);
  await hold({ steal: true });
}

// The signing is over: others may look at it too.
export function exit(): void {
  release?.();
  release = undefined;
}

function askToHandOver(to: BroadcastChannel): Promise<void> {
  return new Promise((resolve) => {
    const done = ({ data }: { data: unknown }) => {
      if (data !== 'handed') return;
      clearTimeout(patience);
      to.removeEventListener('message', done);
      resolve();
    };
    const patience = setTimeout(() => done({ data: 'handed' }), HANDING_MS);
    to.addEventListener('message', done);
    to.postMessage('hand over');
  });
}

function hold(options: LockOptions): Promise<boolean> {
  return new Promise((told) => {
    const held = () => new Promise<void>((done) => {
      release = done;
      told(true);
    });
    navigator.locks.request(NAME, options, held).catch(() => {
      if (release) void putAway?.(); // stolen
      release = undefined;
      told(false);
    });
  });
}
