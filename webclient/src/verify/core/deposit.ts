// A second verifier of the letter of deposit, for the browser. It was written from
// the description of the format (evidence/README.md) and shares no code with the
// program inkverify: where the two disagree, one of them is wrong, and the page
// says so. It gives the same reason codes.
//
// It checks the container's core: structure, signed list, signature, timestamps,
// letter, chain of custody, erasures, and the place in the log. Not the PDF's own
// signatures, recordings, and evidence records: the page leaves those out where it
// compares the two.
import { sha256 as streamed } from '@noble/hashes/sha2.js';
import { type Bytes, concat, equal, hex, pem, sha256, type Source, textOf, unhex, utf8 } from './bytes.ts';
import { parse, type Signed, signs, stamps, token } from './cms.ts';
import { bagOf, type Listed, type List, parseList, sameFiles } from './list.ts';
import { wholeSignature } from './letter.ts';
import { includes, type Key, parseKey, parseProof, type Proof, signedBy } from './log.ts';
import { cut, earlierSeal, earlierStatement, ERASURE as FOR_ERASURE, purposeOf, SEAL as FOR_SEAL } from './purpose.ts';
import { type Certificate, certificate, leadsTo, SERIAL_NUMBER } from './x509.ts';
import { type Container, crc32, dosTime, type Entry, open } from './zip.ts';

export interface Check {
  code: string;
  status: 'holds' | 'fails' | 'unknown';
  part?: string;
  text: string;
}

export interface Report {
  holds: boolean;
  kind: 'deposit';
  checks: Check[];
}

// Whom the reader trusts; without it the deposit's own roots and keys are used.
export interface Trust {
  roots?: string; // PEM, of the service
  otherRoots?: string; // PEM, of others: of signers and outside timestamps
  logKeys?: string[];
}

export async function verify(source: Source, trust: Trust = {}): Promise<Report> {
  const checks: Check[] = [];
  try {
    await new Verifier(source, open(source), trust, checks).run();
  } catch (error) {
    checks.push({ code: 'deposit.unreadable', status: 'fails', part: 'container', text: `This is no deposit, or its structure is destroyed: ${String(error)}` });
  }
  return { holds: checks.every((one) => one.status !== 'fails'), kind: 'deposit', checks };
}

const MIMETYPE = 'application/vnd.etsi.asic-e+zip';
const LIST = 'META-INF/ASiCManifest001.xml';
const SIGNATURE = 'META-INF/signature001.p7s';
const PROOF = 'META-INF/deposit.tlog-proof';
const INFO = 'data/deposit.json';
const AUDIT = 'data/audit/audit.jsonl';
const LETTER = 'letter-of-deposit.pdf';
const ROOTS = 'data/validation/roots.pem';
const BAG = 'manifest-sha256.txt';
const ERASURE = 'META-INF/erasure001.p7m';
const RECORD = ['META-INF/ASiCEvidenceRecordManifest001.xml', 'META-INF/evidencerecord001.ers'] as const;
const STAMPS = [
  { list: 'META-INF/ASiCManifest002.xml', token: 'META-INF/timestamp001.tst' },
  { list: 'META-INF/ASiCManifest003.xml', token: 'META-INF/timestamp002.tst' }, // of an outside authority
] as const;
const ERASABLE = ['data/capture/', 'data/comparison/'];
const MAX_METADATA = 16 * 1024 * 1024; // bytes of a file that is read as a whole
const PIECE = 1024 * 1024;
const MAX_BEHIND = 5 * 60_000; // ms that an outside clock may be behind the seal

interface Info {
  format: string;
  id: string;
  service: string;
  sealed: string;
  salt: string;
  log: { origin: string; keys: string[]; witnesses?: string[]; need?: number };
}

class Verifier {
  private found = new Map<string, Bytes>(); // SHA-256 of each file
  private info: Info | undefined;
  private roots: Certificate[] = []; // of the service
  private anybody: Certificate[] = []; // those, and of others
  private sealer: Certificate | undefined;
  private given = false; // the roots are the reader's
  private list: List = { over: '', type: '', files: [] };
  private erased = new Map<string, string>();
  private wasErased = false;
  private stamped: Date | undefined;

  constructor(private source: Source, private container: Container, private trust: Trust, private checks: Check[]) {}

  async run(): Promise<void> {
    this.structure();
    this.hash();
    this.readInfo();
    this.readRoots();
    await this.readErasure();
    this.readList();
    this.files();
    for (const stamp of STAMPS) if (stamp === STAMPS[0] || this.found.has(stamp.list) || this.found.has(stamp.token)) await this.stamp(stamp);
    await this.signature();
    await this.letter();
    await this.log();
    this.custody();
    if (this.found.has(RECORD[0]) || this.found.has(RECORD[1])) this.say('unknown', 'deposit.record', RECORD[1], 'The evidence record is not checked by this verifier.');
    this.say('unknown', 'deposit.document', 'data/contract-signed.pdf', 'The signatures inside the document are not checked by this verifier.');
  }

  private say(status: Check['status'], code: string, part: string, text: string): void {
    this.checks.push({ code, status, part, text });
  }

  private fails(code: string, part: string, text: string): void {
    this.say('fails', code, part, text);
  }

  private entry(name: string): Entry | undefined {
    return this.container.entries.find((one) => one.name === name);
  }

  // A small file as a whole, undefined where there is none.
  private read(name: string): Bytes | undefined {
    const entry = this.entry(name);
    return entry && entry.size <= MAX_METADATA ? this.source.read(entry.start, entry.size) : undefined;
  }

  private structure(): void {
    for (const fault of this.container.faults) this.fails('deposit.structure', fault.part, fault.text);
    if (this.container.faults.length === 0) this.say('holds', 'deposit.structure', 'container', `Every byte of the structure is as it must be: ${this.container.entries.length} files.`);
    const first = this.container.entries[0];
    const type = this.read('mimetype');
    if (first?.name !== 'mimetype' || !type || !equal(type, utf8(MIMETYPE))) this.fails('deposit.mediatype', 'mimetype', `The first file is no mimetype that says ${MIMETYPE}.`);
  }

  private hash(): void {
    for (const entry of this.container.entries) {
      const sum = streamed.create();
      let crc = 0;
      let done = 0;
      while (done < entry.size) {
        const piece = this.source.read(entry.start + done, Math.min(PIECE, entry.size - done));
        if (piece.length === 0) break;
        sum.update(piece);
        crc = crc32(piece, crc);
        done += piece.length;
      }
      if (done !== entry.size) this.fails('deposit.file.changed', entry.name, `"${entry.name}" is cut short.`);
      else if (crc !== entry.crc) this.fails('deposit.file.changed', entry.name, `"${entry.name}" does not match its checksum.`);
      if (this.found.has(entry.name)) this.fails('deposit.file.unlisted', entry.name, `"${entry.name}" is there twice.`);
      this.found.set(entry.name, sum.digest() as Bytes);
    }
  }

  private readInfo(): void {
    try {
      const info = JSON.parse(textOf(this.read(INFO) ?? new Uint8Array())) as Info;
      if (info.format !== 'inkwitness deposit v1' || unhex(info.salt).length !== 32 || !Array.isArray(info.log.keys)) throw new Error(info.format);
      this.info = info;
    } catch {
      return this.fails('deposit.info', INFO, 'The description of the deposit is missing or damaged.');
    }
    this.say('holds', 'deposit.info', INFO, `Deposit ${this.info.id}, sealed ${this.info.sealed}.`);
    if (this.container.time !== dosTime(new Date(this.info.sealed))) this.fails('deposit.order', 'container', 'The files carry another time than that of the seal.');
  }

  private readRoots(): void {
    this.given = this.trust.roots !== undefined;
    try {
      this.roots = pem(this.trust.roots ?? textOf(this.read(ROOTS) ?? new Uint8Array())).map(certificate);
    } catch {
      this.roots = [];
    }
    try {
      this.anybody = [...this.roots, ...(this.given ? pem(this.trust.otherRoots ?? '').map(certificate) : [])];
    } catch {
      this.anybody = this.roots;
    }
    if (this.roots.length === 0) this.fails('deposit.trust.roots', ROOTS, 'There are no root certificates that can be read.');
    else if (!this.given) this.say('unknown', 'deposit.trust.roots', ROOTS, 'The roots are the deposit’s own: they show that nothing changed, not who sealed it.');
  }

  // Whether the certificate of a signature leads to a root. Only a bad one, or one
  // by roots of the reader's, says something.
  private async chain(signed: Signed, at: Date, part: string, roots = this.anybody): Promise<boolean> {
    const good = await leadsTo(signed.signer, signed.certificates, roots, at).catch(() => false);
    if (!good) this.fails('deposit.trust.roots', part, `The certificate of "${signed.signer.name}" leads to no root that is trusted.`);
    else if (this.given) this.say('holds', 'deposit.trust.roots', part, `The certificate of "${signed.signer.name}" leads to a root that you trust.`);
    return good;
  }

  // Whether the service itself signed: by its own authority, with a certificate that
  // is for this. Each signer has a certificate of that authority too.
  private async byService(signed: Signed, at: Date, part: string, purpose: string): Promise<boolean> {
    if (!await this.chain(signed, at, part, this.roots)) return false;
    const { signer } = signed;
    const stated = purposeOf(signer);
    const earlier = purpose === FOR_SEAL ? this.info !== undefined && earlierSeal(signer, this.info.service, this.info.id) : earlierStatement(signer);
    const good = stated === purpose && (purpose !== FOR_SEAL || !this.info || signer.names.get(SERIAL_NUMBER) === cut(this.info.id));
    if (good) this.say('holds', 'deposit.trust.purpose', part, `The certificate of "${signer.name}" is for this.`);
    else if (stated === '' && earlier) this.say('unknown', 'deposit.trust.purpose', part, `The certificate of "${signer.name}" is of an earlier release and does not say what it is for.`);
    else this.fails('deposit.trust.purpose', part, `The certificate of "${signer.name}" is not for this.`);
    return good || (stated === '' && earlier);
  }

  private async readErasure(): Promise<void> {
    const der = this.read(ERASURE);
    if (!der) return;
    try {
      const signed = parse(der);
      const statement = JSON.parse(textOf(signed.content ?? new Uint8Array())) as { format: string; deposit: string; when: string; authority: string; files: { path: string; sha256: string }[] };
      if (!await signs(signed) || statement.format !== 'inkwitness erasure v1' || !this.info || statement.deposit !== this.info.id) throw new Error('erasure');
      const at = await this.erasedAt(signed, new Date(statement.when), this.info);
      if (!await this.byService(signed, at, ERASURE, FOR_ERASURE)) throw new Error('erasure');
      this.wasErased = true;
      for (const file of statement.files) if (ERASABLE.some((folder) => file.path.startsWith(folder))) this.erased.set(file.path, file.sha256);
      this.say('holds', 'deposit.erased', ERASURE, `${statement.files.length} files were erased on ${statement.when}, for this reason: ${statement.authority}.`);
    } catch {
      this.fails('deposit.erased', ERASURE, 'The statement of an erasure is damaged, not signed, or of another deposit.');
    }
  }

  // By its timestamp, or, in a statement of an earlier release, which has none, by
  // itself.
  private async erasedAt(signed: Signed, when: Date, info: Info): Promise<Date> {
    let at = when < signed.signer.to ? when : signed.signer.to;
    if (signed.stamp) {
      const stamp = token(signed.stamp);
      if (!await stamps(stamp, signed.signature) || !await leadsTo(stamp.signed.signer, stamp.signed.certificates, this.anybody, stamp.at)) throw new Error('timestamp');
      at = stamp.at;
    } else if (purposeOf(signed.signer) !== '') throw new Error('no timestamp');
    if (when < new Date(info.sealed) || when.getTime() > at.getTime() + MAX_BEHIND) throw new Error('times');
    return at;
  }

  private readList(): void {
    try {
      this.list = parseList(this.read(LIST) ?? new Uint8Array());
    } catch {
      // said below: an empty list names no signature
    }
    if (this.list.over !== SIGNATURE || this.list.type !== 'application/pkcs7-signature') this.fails('deposit.manifest', LIST, 'The signed list of files is missing or damaged.');
  }

  // Files against the signed list, both ways, and their order.
  private files(): void {
    const before = this.checks.some((one) => one.status === 'fails');
    const second = this.found.has(STAMPS[1].list) || this.found.has(STAMPS[1].token);
    const meta = [LIST, SIGNATURE, PROOF, STAMPS[0].list, STAMPS[0].token, ...(second ? [STAMPS[1].list, STAMPS[1].token] : []),
      ...(this.found.has(RECORD[1]) ? RECORD : []), ...(this.wasErased ? [ERASURE] : [])].sort((a, b) => (a < b ? -1 : 1));
    for (const name of ['mimetype', ...meta]) if (!this.found.has(name)) this.fails('deposit.file.missing', name, `"${name}" is missing.`);
    const order = ['mimetype'];
    const payload: Listed[] = [];
    for (const file of this.list.files) {
      const there = this.found.get(file.name);
      if (file.name.startsWith('data/')) payload.push(file);
      if (!there) {
        if (this.erased.get(file.name) !== hex(file.sha256)) this.fails('deposit.file.missing', file.name, `"${file.name}" is on the signed list and not there.`);
        continue;
      }
      if (!equal(there, file.sha256)) this.fails('deposit.file.changed', file.name, `"${file.name}" is not what was sealed.`);
      order.push(file.name);
    }
    order.push(...meta);
    const known = new Set(order);
    for (const entry of this.container.entries) if (!known.has(entry.name)) this.fails('deposit.file.unlisted', entry.name, `"${entry.name}" is on no list.`);
    const bag = this.read(BAG);
    if (this.list.files.length > 0 && bag && !equal(bag, bagOf(payload))) this.fails('deposit.bag', BAG, 'The list for sha256sum does not say what the signed list says.');
    const wrong = this.container.entries.find((entry, i) => entry.name !== order[i]);
    if (before || this.checks.some((one) => one.status === 'fails' && one.code !== 'deposit.order')) return;
    if (wrong) this.fails('deposit.order', wrong.name, `"${wrong.name}" stands in the wrong place.`);
    else this.say('holds', 'deposit.files', 'container', `All ${this.container.entries.length} files are what was sealed, and there are no others.`);
  }

  private async stamp(names: (typeof STAMPS)[number]): Promise<void> {
    const list = this.read(names.list) ?? new Uint8Array();
    try {
      const stamp = token(this.read(names.token) ?? new Uint8Array());
      if (!await stamps(stamp, list)) throw new Error('timestamp');
      if (names === STAMPS[0]) this.stamped = stamp.at;
      else if (this.info && new Date(this.info.sealed).getTime() > stamp.at.getTime() + MAX_BEHIND) this.fails('deposit.time', names.token, 'The outside authority stamped before the seal.');
      this.say('holds', 'deposit.timestamp', names.token, `Stamped at ${stamp.at.toISOString()} by ${stamp.signed.signer.name}.`);
      await this.chain(stamp.signed, stamp.at, names.token);
    } catch {
      this.fails('deposit.timestamp', names.token, 'The timestamp cannot be read or is over something else.');
    }
    const want: Listed[] = [LIST, SIGNATURE].map((name) => ({ name, sha256: this.found.get(name) ?? new Uint8Array() }));
    try {
      const stated = parseList(list);
      if (stated.over !== names.token || stated.type !== 'application/vnd.etsi.timestamp-token' || !sameFiles(stated.files, want)) throw new Error('list');
      this.say('holds', 'deposit.manifest', names.list, 'The timestamp covers the signed list and its signature.');
    } catch {
      this.fails('deposit.manifest', names.list, 'The list under the timestamp is not that of the signature and its list.');
    }
  }

  private async signature(): Promise<void> {
    let signed: Signed;
    try {
      signed = parse(this.read(SIGNATURE) ?? new Uint8Array());
      if (!await signs(signed, this.read(LIST))) throw new Error('signature');
    } catch {
      return this.fails('deposit.signature', SIGNATURE, 'The signature over the list of files does not hold.');
    }
    this.sealer = signed.signer;
    this.say('holds', 'deposit.signature', SIGNATURE, `The list of files is signed by "${signed.signer.name}".`);
    if (signed.stamp) await this.innerStamp(signed, signed.stamp);
    if (!this.stamped) return;
    await this.byService(signed, this.stamped, SIGNATURE, FOR_SEAL);
    const sealed = this.info && new Date(this.info.sealed);
    if (this.stamped < signed.signer.from || this.stamped > signed.signer.to || (sealed && sealed.getTime() > this.stamped.getTime() + 1000)) {
      this.fails('deposit.time', SIGNATURE, 'Seal, timestamp and certificate do not fit together in time.');
    }
  }

  // Signed as a whole with the certificate of the seal.
  private async letter(): Promise<void> {
    const letter = this.read(LETTER);
    if (!letter) return this.fails('deposit.file.missing', LETTER, 'The letter of deposit is missing.');
    if (!this.sealer) return; // said already
    const signed = await wholeSignature(letter, this.sealer);
    if (signed) this.say('holds', 'deposit.letter', LETTER, 'The letter of deposit is signed as a whole with the certificate of the seal.');
    else this.fails('deposit.letter', LETTER, 'The letter of deposit is not signed as a whole with the certificate of the seal.');
  }

  private async innerStamp(signed: Signed, der: Bytes): Promise<void> {
    try {
      const stamp = token(der);
      if (!await stamps(stamp, signed.signature)) throw new Error('timestamp');
      this.say('holds', 'deposit.signature.timestamp', SIGNATURE, `The signature existed at ${stamp.at.toISOString()}.`);
      await this.chain(stamp.signed, stamp.at, SIGNATURE);
    } catch {
      this.fails('deposit.signature.timestamp', SIGNATURE, 'The timestamp in the signature does not hold.');
    }
  }

  private async log(): Promise<void> {
    let proof: Proof;
    try {
      proof = parseProof(this.read(PROOF) ?? new Uint8Array());
    } catch {
      return this.fails('deposit.log.proof', PROOF, 'The proof of the place in the log is missing or cannot be read.');
    }
    const bound = [STAMPS[0].list, STAMPS[0].token, ...(this.found.has(STAMPS[1].token) ? [STAMPS[1].token] : [])].map((name) => this.found.get(name));
    if (!this.info || bound.some((one) => one === undefined)) return; // said already
    const commitment = await sha256(concat(utf8('inkwitness deposit commitment v1\n'), unhex(this.info.salt), ...(bound as Bytes[])));
    if (await includes(proof, utf8(`inkwitness/v1 deposit ${hex(commitment)}\n`))) this.say('holds', 'deposit.log.entry', PROOF, `Entry ${proof.index} of ${proof.size} in ${proof.origin}.`);
    else this.fails('deposit.log.entry', PROOF, `The log holds something else at place ${proof.index}.`);
    if (proof.origin !== this.info.log.origin) this.fails('deposit.log.proof', PROOF, `The proof is of ${proof.origin}, the deposit names ${this.info.log.origin}.`);
    await this.logSignatures(proof, this.info.log);
  }

  private async logSignatures(proof: Proof, named: Info['log']): Promise<void> {
    let own: Key[];
    let witnesses: Key[];
    let trusted: Key[];
    try {
      own = await Promise.all(named.keys.map(parseKey));
      witnesses = await Promise.all((named.witnesses ?? []).map(parseKey));
      trusted = await Promise.all((this.trust.logKeys ?? []).map(parseKey));
      if (own.length === 0) throw new Error('no key');
    } catch {
      return this.fails('deposit.log.signature', INFO, 'The deposit names no key of the log, or one that cannot be read.');
    }
    const lineOf = (of: { name: string; id: string }) => `${of.name} ${of.id}`; // what a line says of its key
    const good = new Set<string>();
    const signed = async (key: Key) => {
      const ok = await signedBy(proof, key) === 'good';
      if (ok) good.add(lineOf(key));
      return ok;
    };
    let all = true;
    for (const key of own) {
      if (await signed(key)) continue;
      all = false;
      this.fails('deposit.log.signature', PROOF, `The tree is not signed as it must be by ${key.name}.`);
    }
    let confirmed = 0;
    for (const key of witnesses) if (await signed(key)) confirmed++;
    if (trusted.length === 0) this.say('unknown', 'deposit.trust.log', PROOF, 'The keys of the log are the deposit’s own.');
    for (const key of trusted) {
      if (await signed(key)) this.say('holds', 'deposit.trust.log', PROOF, `The tree is signed by ${key.name}, whom you trust.`);
      else this.fails('deposit.trust.log', PROOF, `The tree is not signed by ${key.name}, whom you trust.`);
    }
    // Of two lines by one key only the first was looked at.
    for (const line of proof.lines) if (!good.delete(lineOf(line))) this.fails('deposit.log.signature', PROOF, `The signature line of "${line.name}" is wrong, stands twice, or is by a key that nobody named.`);
    if (confirmed < (named.need ?? 0)) this.fails('deposit.log.signature', PROOF, `${confirmed} witnesses confirmed the tree, ${named.need} are needed.`);
    else if (all) this.say('holds', 'deposit.log.signature', PROOF, `The tree is signed by the log and ${confirmed} witnesses.`);
  }

  // data/audit/audit.jsonl: each line carries the hash of the one before.
  private custody(): void {
    const raw = this.read(AUDIT);
    if (!raw) return this.fails('deposit.file.missing', AUDIT, 'The chain of custody is missing.');
    let before = '0'.repeat(64);
    let from = 0;
    let count = 0;
    try {
      while (from < raw.length) {
        const end = raw.indexOf(10, from);
        const line = raw.subarray(from, end < 0 ? raw.length : end);
        if ((JSON.parse(textOf(line)) as { prev: string }).prev !== before) throw new Error('chain');
        before = hex(streamed(line) as Bytes);
        count++;
        from += line.length + 1;
      }
    } catch {
      return this.fails('deposit.audit', AUDIT, `The chain of custody is broken at line ${count + 1}.`);
    }
    this.say('holds', 'deposit.audit', AUDIT, `The chain of custody is unbroken over ${count} events.`);
  }
}
