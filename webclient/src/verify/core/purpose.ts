// What a certificate of a service's own authority says that it is for: one of its
// certificate policies (evidence/README.md).
import { type Certificate, COMMON_NAME, ORGANIZATION, SERIAL_NUMBER } from './x509.ts';

const ARC = '2.25.166206293623285054659722157919725946327.';
export const SEAL = `${ARC}2`;
export const ERASURE = `${ARC}4`;

// Empty where it says nothing; one that says several things is for none of them.
export const purposeOf = (c: Certificate): string => c.policies.filter((one) => one.startsWith(ARC)).join(' ');

// A name as a certificate holds it: at most 64 characters (X.520).
export const cut = (name: string): string => Array.from(name).slice(0, 64).join('');

// Whether one that says nothing is named as earlier releases named those of a seal.
export function earlierSeal(c: Certificate, service: string, deposit: string): boolean {
  return plain(c) && c.names.size === 2 && c.names.get(COMMON_NAME) === cut(`${service} deposit seal`) && c.names.get(SERIAL_NUMBER) === cut(deposit);
}

// The same of those with which they stated erasures.
export function earlierStatement(c: Certificate): boolean {
  const organization = c.names.get(ORGANIZATION);
  return plain(c) && organization !== undefined && !c.names.has(SERIAL_NUMBER) && c.name.startsWith(cut(`${organization} receipts `));
}

const plain = (c: Certificate): boolean => !c.mail && !c.authority;
