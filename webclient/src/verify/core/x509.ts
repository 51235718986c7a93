// Certificates (RFC 5280) and signatures, by WebCrypto.
import { type Bytes, equal } from './bytes.ts';
import { BITS, children, CONTEXT0, expect, INTEGER, Malformed, OCTETS, oid, only, SEQUENCE, SET, time, type Value } from './der.ts';

export interface Certificate {
  raw: Bytes;
  serial: Bytes;
  issuer: Bytes;
  subject: Bytes;
  name: string; // common name
  names: Map<string, string>; // attributes of the subject by their type; of one that stands twice the first
  mail: boolean; // has alternative names
  policies: string[];
  from: Date;
  to: Date;
  key: Bytes; // SubjectPublicKeyInfo
  authority: boolean;
  mayCertify: boolean;
  stampsOnly: boolean; // critical extended key usage of timestamping, and no other
  keyId: Bytes | undefined;
  signed: Bytes;
  algorithm: Value;
  signature: Bytes;
}

export function certificate(der: Bytes): Certificate {
  const [tbs, algorithm, signature] = children(only(der, SEQUENCE));
  const fields = children(expect(tbs, SEQUENCE));
  if (fields[0]?.tag === CONTEXT0) fields.shift();
  const [serial, , issuer, validity, subject, key, ...rest] = fields;
  const [from, to] = children(expect(validity, SEQUENCE));
  const own = extensions(rest.find((one) => one.tag === 0xa3));
  const usage = own.get('2.5.29.15');
  const constraints = own.get('2.5.29.19');
  const purposes = own.get('2.5.29.37');
  const id = own.get('2.5.29.14');
  const policies = own.get('2.5.29.32');
  const names = namesOf(expect(subject, SEQUENCE));
  return {
    raw: der, serial: expect(serial, INTEGER).body, issuer: expect(issuer, SEQUENCE).raw, subject: expect(subject, SEQUENCE).raw, name: names.get(COMMON_NAME) ?? '', names,
    from: time(from), to: time(to), key: expect(key, SEQUENCE).raw,
    authority: constraints !== undefined && children(only(constraints.value, SEQUENCE))[0]?.body[0] === 0xff,
    mayCertify: usage === undefined || ((only(usage.value, BITS).body[1] ?? 0) & 0x04) !== 0,
    stampsOnly: purposes !== undefined && purposes.critical && children(only(purposes.value, SEQUENCE)).map(oid).join() === '1.3.6.1.5.5.7.3.8',
    mail: own.has('2.5.29.17'), policies: policies ? children(only(policies.value, SEQUENCE)).map((one) => oid(children(expect(one, SEQUENCE))[0])) : [],
    keyId: id && only(id.value, OCTETS).body,
    signed: expect(tbs, SEQUENCE).raw, algorithm: expect(algorithm, SEQUENCE), signature: bits(expect(signature, BITS)),
  };
}

function extensions(wrapped: Value | undefined): Map<string, { critical: boolean; value: Bytes }> {
  const out = new Map<string, { critical: boolean; value: Bytes }>();
  for (const one of wrapped ? children(only(wrapped.body, SEQUENCE)) : []) {
    const [id, ...rest] = children(one);
    out.set(oid(id), { critical: rest[0]?.tag === 0x01 && rest[0].body[0] === 0xff, value: expect(rest.at(-1), OCTETS).body });
  }
  return out;
}

function bits(value: Value): Bytes {
  if (value.body[0] !== 0) throw new Malformed('unused bits');
  return value.body.subarray(1);
}

export const COMMON_NAME = '2.5.4.3';
export const SERIAL_NUMBER = '2.5.4.5';
export const ORGANIZATION = '2.5.4.10';

function namesOf(name: Value): Map<string, string> {
  const out = new Map<string, string>();
  for (const set of children(name)) {
    for (const pair of children(expect(set, SET))) {
      const [type, text] = children(pair);
      const id = oid(type);
      if (text && !out.has(id)) out.set(id, new TextDecoder().decode(text.body));
    }
  }
  return out;
}

const HASHES: Record<string, string> = {
  '2.16.840.1.101.3.4.2.1': 'SHA-256', '2.16.840.1.101.3.4.2.2': 'SHA-384', '2.16.840.1.101.3.4.2.3': 'SHA-512',
};
const CURVES: Record<string, [string, number]> = { '1.2.840.10045.3.1.7': ['P-256', 32], '1.3.132.0.34': ['P-384', 48], '1.3.132.0.35': ['P-521', 66] };
const ECDSA: Record<string, string> = { '1.2.840.10045.4.3.2': 'SHA-256', '1.2.840.10045.4.3.3': 'SHA-384', '1.2.840.10045.4.3.4': 'SHA-512' };
const RSA: Record<string, string> = { '1.2.840.113549.1.1.11': 'SHA-256', '1.2.840.113549.1.1.12': 'SHA-384', '1.2.840.113549.1.1.13': 'SHA-512' };

export function hashOf(algorithm: Value | undefined): string {
  const id = oid(children(expect(algorithm, SEQUENCE))[0]);
  const name = HASHES[id];
  if (!name) throw new Malformed(`hash ${id}`);
  return name;
}

// Whether a signature over a message is by a key. digestHash is what a signer
// names beside a bare RSA algorithm.
export async function verifies(key: Bytes, algorithm: Value, message: Bytes, signature: Bytes, digestHash = ''): Promise<boolean> {
  const [id, parameters] = children(algorithm);
  const scheme = oid(id);
  const { subtle } = crypto;
  if (ECDSA[scheme]) {
    const [, curve] = children(expect(children(only(key, SEQUENCE))[0], SEQUENCE));
    const [namedCurve, size] = CURVES[oid(curve)] ?? [];
    if (!namedCurve || !size) throw new Malformed('curve');
    const imported = await subtle.importKey('spki', key, { name: 'ECDSA', namedCurve }, false, ['verify']);
    return subtle.verify({ name: 'ECDSA', hash: ECDSA[scheme] as string }, imported, rawECDSA(signature, size), message);
  }
  if (scheme === '1.3.101.112') {
    return subtle.verify('Ed25519', await subtle.importKey('spki', key, 'Ed25519', false, ['verify']), signature, message);
  }
  if (scheme === '1.2.840.113549.1.1.10') {
    const { hash, saltLength } = pss(parameters);
    const imported = await subtle.importKey('spki', key, { name: 'RSA-PSS', hash }, false, ['verify']);
    return subtle.verify({ name: 'RSA-PSS', saltLength }, imported, signature, message);
  }
  const hash = RSA[scheme] ?? (scheme === '1.2.840.113549.1.1.1' ? digestHash : '');
  if (!hash) throw new Malformed(`signature algorithm ${scheme}`);
  return subtle.verify('RSASSA-PKCS1-v1_5', await subtle.importKey('spki', key, { name: 'RSASSA-PKCS1-v1_5', hash }, false, ['verify']), signature, message);
}

// Parameters of RSASSA-PSS whose hashes agree (RFC 8017, appendix A.2.3).
function pss(parameters: Value | undefined): { hash: string; saltLength: number } {
  const [hash, mask, salt] = children(expect(parameters, SEQUENCE));
  const name = hashOf(only(expect(hash, 0xa0).body));
  const [, inner] = children(only(expect(mask, 0xa1).body));
  if (hashOf(inner) !== name) throw new Malformed('RSASSA-PSS parameters');
  return { hash: name, saltLength: only(expect(salt, 0xa2).body, INTEGER).body.reduce((sum, byte) => sum * 256 + byte, 0) };
}

// WebCrypto takes r and s at the curve's size, one after the other.
function rawECDSA(signature: Bytes, size: number): Bytes {
  const out = new Uint8Array(2 * size);
  const numbers = children(only(signature, SEQUENCE)).map((one) => expect(one, INTEGER).body);
  if (numbers.length !== 2) throw new Malformed('ECDSA signature');
  numbers.forEach((number, i) => {
    const digits = number[0] === 0 ? number.subarray(1) : number;
    if (digits.length > size) throw new Malformed('ECDSA signature');
    out.set(digits, (i + 1) * size - digits.length);
  });
  return out;
}

// A way from a certificate to one of the roots, every one on it valid at a time.
export async function leadsTo(leaf: Certificate, others: Certificate[], roots: Certificate[], at: Date, depth = 0): Promise<boolean> {
  if (at < leaf.from || at > leaf.to || depth > 8) return false;
  if (roots.some((root) => equal(root.raw, leaf.raw))) return true;
  for (const issuer of [...roots, ...others]) {
    if (!equal(issuer.subject, leaf.issuer) || !issuer.authority || !issuer.mayCertify || equal(issuer.raw, leaf.raw)) continue;
    if (await verifies(issuer.key, leaf.algorithm, leaf.signed, leaf.signature) && await leadsTo(issuer, others, roots, at, depth + 1)) return true;
  }
  return false;
}
