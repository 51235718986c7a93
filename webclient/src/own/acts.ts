import { text } from './text/index.ts';

interface Act {
  kind: string;
  who?: string;
  account?: string;
}

// Acts of signers, who have no account: what else no account did is the service's.
const SIGNERS = /^(signer\.(opened|confirmed|declined|proved|unproved)|consent\.|capture\.|fields\.|data\.asked|document\.(read|downloaded)|deposit\.downloaded)/;

export const isSigners = (line: Act): boolean => !line.who && !line.account && SIGNERS.test(line.kind);

export const SHOWN = 8; // digits of an id that stands for a name

// Who did it: a person, also one who has left; the signer; or else the service.
export function doer(line: Act, signer: string | undefined): string {
  if (line.account && !line.who) return text().record.former(line.account.slice(0, SHOWN));
  return line.who || (isSigners(line) && signer) || text().document.service;
}
