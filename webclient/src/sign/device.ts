// The few facts of the device that go into the evidence.
import type { DeviceFacts } from '../api.ts';

const STORED = 'device';

export function deviceFacts(): DeviceFacts {
  return { pointer: likelyPointer(), system: system(), deviceId: deviceId() };
}

function likelyPointer(): DeviceFacts['pointer'] {
  if (matchMedia('(pointer: coarse)').matches) return 'touch';
  return matchMedia('(pointer: fine)').matches ? 'mouse' : '';
}

function system(): string {
  const hints = (navigator as { userAgentData?: { platform?: string } }).userAgentData;
  return (hints?.platform || navigator.platform || '').slice(0, 100);
}

// Random and of this browser alone: it tells that two acts came from the same
// device, not whose it is.
function deviceId(): string {
  try {
    const known = localStorage.getItem(STORED);
    if (known) return known;
    const made = crypto.randomUUID();
    localStorage.setItem(STORED, made);
    return made;
  } catch {
    return '';
  }
}
