// One window at a time: the windows of a browser share the signer's cookie and what
// is kept of a recording, so two of them would spoil each other's. A Web Lock says
// which one it is; another asks it to put everything away, and takes the lock.
//
// A page that is loaded again finds the lock of the page before, which leaves; how
// long that takes depends on the device. So the one that holds it is asked: who is
// there answers at once, and who leaves does not answer but lets go.
const NAME = 'inkwitness-signing';
const SILENCE_MS = 5000; // after which a window that has the lock and does not answer sleeps
const STORING_MS = 15_000; // for a window that answered, until it has stored everything

type Message = 'who is there' | 'here' | 'hand over' | 'handed';

let putAway: (() => Promise<void>) | undefined; // another window goes on: stores everything
let release: (() => void) | undefined; // while this window is the one
let leaving = false;
const channel = 'BroadcastChannel' in window ? new BroadcastChannel(NAME) : undefined;

const say = (message: Message): void => channel?.postMessage(message);

channel?.addEventListener('message', ({ data }: { data: Message }) => {
  if (!release || leaving) return;
  if (data === 'who is there' || data === 'hand over') say('here');
  if (data === 'hand over') void putAway?.().then(() => say('handed'));
});
addEventListener('pagehide', () => { leaving = true; });
addEventListener('pageshow', () => { leaving = false; });

// Calls `heard` with what other windows say, until the answer is called.
function hear(heard: (message: Message) => void): () => void {
  const listen = ({ data }: { data: Message }) => heard(data);
  channel?.addEventListener('message', listen);
  return () => channel?.removeEventListener('message', listen);
}

// Tells whether this window is the one.
export async function enter(onTaken: () => Promise<void>): Promise<boolean> {
  putAway = onTaken;
  if (release || !navigator.locks) return true;
  // Who is told that another has it waits no longer, or a window behind would get
  // the lock whenever the one is loaded again.
  const waiting = new AbortController();
  const deaf = hear((message) => message === 'here' && waiting.abort());
  const patience = setTimeout(() => void isHeld().then((held) => held && waiting.abort()), SILENCE_MS);
  const mine = hold({ signal: waiting.signal });
  say('who is there');
  try {
    return await mine;
  } finally {
    clearTimeout(patience);
    deaf();
  }
}

// Another window has the lock. What was granted to this one before the browser is
// asked has been handled when it answers, also when both waited behind a long task.
async function isHeld(): Promise<boolean> {
  const { held = [] } = await navigator.locks.query();
  return !release && held.some((lock) => lock.name === NAME);
}

export async function takeOver(): Promise<void> {
  if (release || !navigator.locks) return;
  if (channel && (await isHeld())) await askToHandOver();
  await hold({ steal: true });
}

// The signing is over: others may look at it too.
export function exit(): void {
  release?.();
  release = undefined;
}

function askToHandOver(): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(patience);
      deaf();
      resolve();
    };
    let patience = setTimeout(end, SILENCE_MS);
    const deaf = hear((message) => {
      if (message === 'handed') end();
      if (message !== 'here') return;
      clearTimeout(patience);
      patience = setTimeout(end, STORING_MS);
    });
    say('hand over');
  });
}

function hold(options: LockOptions): Promise<boolean> {
  return new Promise((told) => {
    const held = () => new Promise<void>((done) => {
      release = done;
      say('here'); // to those who asked at the same time
      told(true);
    });
    navigator.locks.request(NAME, options, held).catch(() => {
      if (release) void putAway?.(); // stolen
      release = undefined;
      told(false);
    });
  });
}
