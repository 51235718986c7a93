// CMS signatures with the attributes of CAdES (RFC 5652, 5035, EN 319 122-1) and
// timestamps (RFC 3161), one signer to a message.
import { type Bytes, concat, digest, equal } from './bytes.ts';
import { children, CONTEXT0, CONTEXT1, expect, INTEGER, Malformed, OCTETS, oid, only, SEQUENCE, SET, time, type Value } from './der.ts';
import { type Certificate, certificate, hashOf, verifies } from './x509.ts';

const SIGNED_DATA = '1.2.840.113549.1.7.2';
const DATA = '1.2.840.113549.1.7.1';
const TIMESTAMP = '1.2.840.113549.1.9.16.1.4';
const CONTENT_TYPE = '1.2.840.113549.1.9.3';
const MESSAGE_DIGEST = '1.2.840.113549.1.9.4';
const SIGNING_CERTIFICATE = '1.2.840.113549.1.9.16.2.12';
const SIGNING_CERTIFICATE_2 = '1.2.840.113549.1.9.16.2.47';
const TIMESTAMP_TOKEN = '1.2.840.113549.1.9.16.2.14';

export interface Signed {
  type: string;
  content: Bytes | undefined; // where it is inside
  certificates: Certificate[];
  signer: Certificate;
  hash: string;
  signature: Bytes;
  stamp: Bytes | undefined; // token over the signature
  attributes: Map<string, Value>;
  signedBytes: Bytes; // what the signature is over
  algorithm: Value;
}

export function parse(der: Bytes): Signed {
  const [type, wrapped] = children(only(der, SEQUENCE));
  if (oid(type) !== SIGNED_DATA) throw new Malformed('no signed data');
  const [, , encapsulated, ...rest] = children(only(expect(wrapped, CONTEXT0).body, SEQUENCE));
  const [contentType, content] = children(expect(encapsulated, SEQUENCE));
  const certificates = children(expect(rest[0], CONTEXT0)).map((one) => certificate(one.raw));
  const infos = children(expect(rest.at(-1), SET));
  if (infos.length !== 1) throw new Malformed(`${infos.length} signers`);
  const [, who, hash, signed, algorithm, signature, unsigned] = children(expect(infos[0], SEQUENCE));
  return {
    type: oid(contentType), content: content && only(expect(content, CONTEXT0).body, OCTETS).body, certificates,
    signer: find(expect(who, who?.tag ?? 0), certificates), hash: hashOf(hash), signature: expect(signature, OCTETS).body,
    stamp: unsigned && attributesOf(expect(unsigned, CONTEXT1)).get(TIMESTAMP_TOKEN)?.raw,
    attributes: attributesOf(expect(signed, CONTEXT0)),
    signedBytes: concat(Uint8Array.of(SET), expect(signed, CONTEXT0).raw.subarray(1)), // RFC 5652, section 5.4
    algorithm: expect(algorithm, SEQUENCE),
  };
}

function attributesOf(set: Value): Map<string, Value> {
  const out = new Map<string, Value>();
  for (const attribute of children(set)) {
    const [type, values] = children(attribute);
    const id = oid(type);
    if (out.has(id)) throw new Malformed('attribute twice');
    out.set(id, only(expect(values, SET).body));
  }
  return out;
}

function find(who: Value, certificates: Certificate[]): Certificate {
  const found = who.tag === SEQUENCE ? byIssuer(children(who), certificates) : certificates.find((one) => one.keyId && equal(one.keyId, who.body));
  if (!found) throw new Malformed('the signing certificate is missing');
  return found;
}

function byIssuer([issuer, serial]: Value[], certificates: Certificate[]): Certificate | undefined {
  const number = expect(serial, INTEGER).body;
  return certificates.find((one) => equal(one.serial, number) && equal(one.issuer, expect(issuer, SEQUENCE).raw));
}

// Whether the message signs this content (its own, where none is given), with the
// certificate that its attributes name.
export async function signs(s: Signed, content: Bytes | undefined = s.content): Promise<boolean> {
  if (!content) return false;
  const stated = expect(s.attributes.get(MESSAGE_DIGEST), OCTETS).body;
  if (!equal(stated, await digest(s.hash, content)) || oid(s.attributes.get(CONTENT_TYPE)) !== s.type || !await names(s)) return false;
  return verifies(s.signer.key, s.algorithm, s.signedBytes, s.signature, s.hash);
}

// RFC 5035: the first certificate of the attribute is the signer's. Version 1, by
// SHA-1, is what some timestamp authorities still write.
async function names(s: Signed): Promise<boolean> {
  const second = s.attributes.get(SIGNING_CERTIFICATE_2);
  const attribute = second ?? s.attributes.get(SIGNING_CERTIFICATE);
  if (!attribute) return s.type !== DATA;
  const [list] = children(expect(attribute, SEQUENCE));
  const [first] = children(expect(list, SEQUENCE));
  const parts = children(expect(first, SEQUENCE));
  const named = parts[0]?.tag === SEQUENCE;
  const hash = !second ? 'SHA-1' : named ? hashOf(parts[0]) : 'SHA-256';
  return equal(expect(named ? parts[1] : parts[0], OCTETS).body, await digest(hash, s.signer.raw));
}

export interface Token {
  signed: Signed;
  at: Date;
  hash: string;
  imprint: Bytes;
}

export function token(der: Bytes): Token {
  const signed = parse(der);
  if (signed.type !== TIMESTAMP || !signed.content) throw new Malformed('not a timestamp');
  const [, , imprint, , at] = children(only(signed.content, SEQUENCE));
  const [hash, value] = children(expect(imprint, SEQUENCE));
  return { signed, at: time(at), hash: hashOf(hash), imprint: expect(value, OCTETS).body };
}

// Whether a token stamps these bytes, by a certificate for timestamps alone.
export async function stamps(t: Token, bytes: Bytes): Promise<boolean> {
  return t.signed.signer.stampsOnly && equal(t.imprint, await digest(t.hash, bytes)) && await signs(t.signed);
}
