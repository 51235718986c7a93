// Acts of signers, who have no account: what else no account did is the service's.
const SIGNERS = /^(signer\.(opened|confirmed|declined|proved|unproved)|consent\.|capture\.|fields\.|data\.asked|document\.(read|downloaded)|deposit\.downloaded)/;

export const isSigners = (line: { kind: string; who?: string; account?: string }): boolean => !line.who && !line.account && SIGNERS.test(line.kind);
