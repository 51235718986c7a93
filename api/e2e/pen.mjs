// A real pen's replay: recorded samples go into the page through the DevTools
// protocol, each with its own time, pressure and tilt, so that the page sees the
// pointer events that a tablet would have given it.

const BUTTON = { down: 'mousePressed', move: 'mouseMoved', up: 'mouseReleased' };

// replay draws samples [{t (ms), x, y (CSS px), p (0..65535), tiltX, tiltY (degree), down}]
// with the top left corner at `origin`, in real time, and returns what it sent:
// one entry a sample, in the page's own coordinates.
export async function replay(cdp, samples, origin) {
  const began = performance.now();
  const epoch = Date.now() / 1000; // seconds, the clock of Input.dispatchMouseEvent
  const sent = [];
  let down = false;
  const pending = [];
  const last = samples.length - 1;
  for (const [i, s] of samples.entries()) {
    const wait = s.t - (performance.now() - began);
    if (wait > 1) await new Promise((resolve) => setTimeout(resolve, wait));
    const x = origin.x + s.x;
    const y = origin.y + s.y;
    const nextDown = i < last ? samples[i + 1].down : false;
    const base = {
      pointerType: 'pen', x, y, timestamp: epoch + s.t / 1000,
      tiltX: s.tiltX, tiltY: s.tiltY, twist: 0,
    };
    if (s.down && !down) {
      pending.push(cdp.send('Input.dispatchMouseEvent', { ...base, type: BUTTON.down, button: 'left', buttons: 1, clickCount: 1, force: s.p / 65535 }));
      sent.push({ ...s, start: true });
      down = true;
    } else if (s.down) {
      pending.push(cdp.send('Input.dispatchMouseEvent', { ...base, type: BUTTON.move, button: 'left', buttons: 1, force: s.p / 65535 }));
      sent.push({ ...s, start: false });
    } else {
      pending.push(cdp.send('Input.dispatchMouseEvent', { ...base, type: BUTTON.move, button: 'none', buttons: 0, force: 0 }));
      sent.push({ ...s, start: false, p: 0 });
    }
    if (down && !nextDown) {
      pending.push(cdp.send('Input.dispatchMouseEvent', { ...base, type: BUTTON.up, button: 'left', buttons: 0, clickCount: 1, force: 0 }));
      down = false;
    }
    if (pending.length > 50) await Promise.all(pending.splice(0));
  }
  await Promise.all(pending);
  return sent;
}
