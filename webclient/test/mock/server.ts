// A stand-in for the service, for the pages' own tests: the contract of
// src/api.ts over real HTTP and WebSocket with the service's own headers, all in
// memory. The end-to-end test of the product runs against the real one.
import { createHash, randomBytes } from 'node:crypto';
import { createReadStream, existsSync, readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { WebSocketServer } from 'ws';
import type { Hold, Ceremony, Document, FinishedCapture, Handed, Mail, Provider } from '../../src/api.ts';
import { toHex } from '../../src/ink/chain.ts';
import { late } from '../browser.ts';
import { bytes, problem, read, send } from './answers.ts';
import { Disputes } from './disputes.ts';
import { answerDocument } from './document.ts';
import { makePDF } from './pdf.ts';
import { PenSession } from './pen.ts';
import { People } from './people.ts';

const dist = fileURLToPath(new URL('../../dist', import.meta.url));

export const POLICY =
  "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; style-src 'self'; " +
  "img-src 'self' data: blob:; media-src 'self' blob:; font-src 'self' data: blob:; connect-src 'self' blob:; " +
  "manifest-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; " +
  "require-trusted-types-for 'script'; trusted-types inkwitness";

const TYPES: Record<string, string> = {
  '.html': 'text/html; charset=utf-8', '.js': 'text/javascript', '.mjs': 'text/javascript', '.css': 'text/css',
  '.svg': 'image/svg+xml', '.png': 'image/png', '.json': 'application/json', '.wasm': 'application/wasm', '.webmanifest': 'application/manifest+json',
};

export const TOKEN = 'a-signing-token-of-the-mock-0001';

const CONSENTS: [string, string][] = [
  ['handwriting', 'While you sign, the way you write is recorded: where the pen is, how hard it presses and how fast it moves.\n\nIt is kept in the sealed proof and used only to verify your signature or as evidence in a dispute.'],
  ['video', 'While you sign, your camera and microphone are recorded. Picture and sound are kept in the sealed proof.'],
  ['comparison', 'Examples of your signature are kept and compared with later signatures. You can have them erased at any time.'],
];

const FRENCH: Record<string, string> = {
  handwriting: 'J’accepte que mon écriture soit enregistrée pendant que je signe.',
  video: 'J’accepte que la caméra et le microphone m’enregistrent pendant que je signe.',
  comparison: 'J’accepte que quelques exemples de ma signature soient conservés et comparés.',
};

export class Mock {
  readonly pdf = makePDF(3, 'Agreement');
  readonly sessions = new Map<string, PenSession>();
  readonly requests: string[] = [];
  readonly documents: Document[] = [];
  readonly mails: Mail[] = [];
  readonly people = new People();
  readonly consentLanguages: string[] = [];
  readonly disputes = new Disputes();
  ceremony: Ceremony;
  signedIn = false;
  problems: FinishedCapture['problems'] = []; // what the next finished capture is told
  accepted = true;
  down = false; // refuses everything with 503
  mediaOffers = 0;
  oneBrowser = false; // refuses the link to all browsers but the first
  private openedBy = '';
  private receiptKey = '';
  private signKey!: CryptoKey;
  sealingUntil = 0; // ms since 1970
  private readonly kinds = new Map<string, 'reference' | 'signature'>();

  private constructor(readonly server: Server) {
    this.ceremony = {
      document: { title: 'Rental agreement, 12 rue des Écoles', sha256: createHash('sha256').update(this.pdf).digest('hex'), pages: this.pages(), size: this.pdf.length },
      sender: { name: 'Atelier Durand' },
      controller: '',
      signer: { id: 's1', name: 'Chloé Martin', language: 'en', state: 'invited' },
      fields: [{ name: 'Signature1', kind: 'signature', page: 1, x: 320, y: 700, width: 200, height: 60 }, { name: 'Signature2', kind: 'signature', page: 3, x: 60, y: 600, width: 200, height: 60 }],
      consents: CONSENTS.map(([purpose, text]) => ({ purpose, text, textVersion: '2026-11-1', language: 'en' })),
      references: { have: 0, need: 3, want: 5 },
      next: 'read',
      others: 0,
      keep: { depositYears: 10 },
    };
  }

  get url(): string {
    return `http://localhost:${(this.server.address() as AddressInfo).port}`;
  }

  private pages() {
    return [0, 0, 270].map((rotation) => ({ width: 595, height: 842, rotation }));
  }

  static async start(): Promise<Mock> {
    const server = createServer((request, response) => void mock.serve(request, response));
    const mock = new Mock(server);
    const pair = (await crypto.subtle.generateKey('Ed25519', true, ['sign', 'verify'])) as CryptoKeyPair;
    mock.signKey = pair.privateKey;
    mock.receiptKey = Buffer.from(await crypto.subtle.exportKey('raw', pair.publicKey)).toString('base64');
    const sockets = new WebSocketServer({ noServer: true, handleProtocols: () => 'inkwitness.pen.v1' });
    server.on('upgrade', (request, socket, head) => {
      const session = mock.sessions.get(/captures\/([0-9a-f]{32})\/pen/.exec(request.url ?? '')?.[1] ?? '');
      if (!session || session.gone || mock.down) return void socket.destroy();
      sockets.handleUpgrade(request, socket, head, (client) => session.accept(client));
    });
    await new Promise<void>((resolve) => server.listen(0, 'localhost', resolve));
    return mock;
  }

  async stop(): Promise<void> {
    for (const session of this.sessions.values()) session.cut();
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  lastSession(): PenSession {
    return [...this.sessions.values()].at(-1)!;
  }

  private async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', this.url);
    const body = await read(request);
    response.setHeader('Content-Security-Policy', POLICY);
    response.setHeader('Cache-Control', 'no-store');
    response.setHeader('X-Content-Type-Options', 'nosniff');
    if (url.pathname === '/elsewhere') return void response.writeHead(302, { Location: '/sign?state=state-1&code=code-1' }).end();
    if (!url.pathname.startsWith('/api/')) return this.file(url.pathname, response);
    await late();
    this.requests.push(`${request.method} ${url.pathname}`);
    if (this.down) return problem(response, 503, 'unavailable', 'Temporarily unavailable');
    try {
      this.route(request, response, url, body);
    } catch (error) {
      problem(response, 500, 'internal', String(error));
    }
  }

  private file(path: string, response: ServerResponse): void {
    const name = path === '/' ? '/index.html' : extname(path) ? path : `${path}.html`;
    if (!existsSync(dist + name)) return void response.writeHead(404).end();
    response.setHeader('Content-Type', TYPES[extname(name)] ?? 'application/octet-stream');
    const start = extname(name) === '.html' && /<script>(.*?)<\/script>/s.exec(readFileSync(dist + name, 'utf8'))?.[1];
    if (start) response.setHeader('Content-Security-Policy', POLICY.replace("script-src 'self'", `script-src 'self' 'sha256-${createHash('sha256').update(start).digest('base64')}'`));
    createReadStream(dist + name).pipe(response);
  }

  private route(request: IncomingMessage, response: ServerResponse, url: URL, body: Buffer): void {
    const path = url.pathname.replace(/^\/api/, '');
    const json = () => JSON.parse(body.toString() || '{}');
    const key = `${request.method} ${path}`;
    if (path.startsWith('/signing')) return this.signing(key, request, response, json);
    this.owner(key, request, response, url, body, json);
  }

  private signing(key: string, request: IncomingMessage, response: ServerResponse, json: () => any): void {
    if (key === 'POST /signing/open') {
      if (json().token !== TOKEN) return problem(response, 410, 'expired', 'No longer valid');
      this.openedBy ||= json().browser;
      if (this.oneBrowser && this.openedBy !== json().browser) return problem(response, 410, 'expired', 'Already used in another browser');
      response.setHeader('Set-Cookie', 'signer=1; HttpOnly; SameSite=Strict; Path=/');
      return send(response, 200, this.ceremony);
    }
    if (/^\w+ \/signing\/(hand|leave)/.test(key)) return this.hand(key, request, response, json);
    if (!/signer=1/.test(request.headers.cookie ?? '')) return problem(response, 401, 'not-signed-in', 'Not signed in');
    const state = this.ceremony;
    const french = request.headers['accept-language'] === 'fr';
    for (const consent of state.consents) Object.assign(consent, french ? { language: 'fr', text: FRENCH[consent.purpose] } : { language: 'en', text: CONSENTS.find(([purpose]) => purpose === consent.purpose)![1] });
    const capture = /captures(?:\/([0-9a-f]{32})\/(\w+))?/.exec(key);
    if (capture?.[1]) return this.capture(capture[1], capture[2]!, response);
    switch (key) {
      case 'GET /signing':
        if (state.next === 'sealing' && Date.now() > this.sealingUntil) this.seal();
        return send(response, 200, state);
      case 'GET /signing/pdf':
        return bytes(response, this.pdf, 'application/pdf');
      case 'POST /signing/second/sms':
        this.codesSent++;
        return void response.writeHead(204).end();
      case 'POST /signing/second':
        if (json().code !== '123456') return problem(response, 422, 'wrong-code', 'Wrong code', 'The code is wrong, was used, or its time is over.');
        state.second!.proved = true;
        state.next = 'read';
        return send(response, 200, state);
      case 'POST /signing/consents': {
        const answer = json();
        this.consentLanguages.push(answer.language);
        const consent = state.consents.find((one) => one.purpose === answer.purpose)!;
        Object.assign(consent, { given: answer.given, at: new Date().toISOString() });
        if (!answer.given && answer.purpose !== 'comparison') delete state.captureId;
        this.advance();
        return send(response, 200, state);
      }
      case 'POST /signing/withdraw':
        state.consents.find((one) => one.purpose === 'comparison')!.given = false;
        state.references.have = 0;
        if (!['sealing', 'done', 'declined', 'closed'].includes(state.next)) this.advance();
        return send(response, 200, { what: 'references', at: '2026-11-23T19:05:00Z', deleted: true });
      case 'POST /signing/fields': {
        const values = json().values as Record<string, string>;
        for (const field of state.fields) if (values[field.name] !== undefined) field.value = values[field.name];
        this.advance();
        return send(response, 200, state);
      }
      case 'POST /signing/requests':
        this.dataRequests.push(json().text);
        return void response.writeHead(204).end();
      case 'POST /signing/decline':
        state.next = 'declined';
        return send(response, 200, state);
      case 'POST /signing/captures': {
        const id = randomBytes(16).toString('hex');
        this.discardOpen();
        this.sessions.set(id, new PenSession(id, toHex(randomBytes(32)), this.signKey));
        this.kinds.set(id, json().kind);
        const base = `/api/signing/captures/${id}`;
        return send(response, 201, { id, nonce: this.sessions.get(id)!.nonce, penUrl: `${base}/pen`, mediaUrl: `${base}/media`, iceServers: [], receiptKey: this.receiptKey });
      }
      case 'POST /signing/confirm':
        state.next = 'sealing';
        this.sealingUntil = Date.now() + 700;
        if (this.elsewhere) {
          this.sealingUntil = Infinity;
          state.consentAt = `${this.url}/elsewhere`;
        }
        return send(response, 200, state);
      case 'POST /signing/provider':
        if (json().state !== 'state-1' || json().code !== 'code-1') return problem(response, 409, 'conflict', 'Not possible', 'Not of this signature.');
        delete state.consentAt;
        this.sealingUntil = Date.now() + 700;
        return send(response, 200, state);
      case 'GET /signing/signed.pdf':
        return bytes(response, this.pdf, 'application/pdf');
      case 'GET /signing/deposit':
        return bytes(response, randomBytes(300_000), 'application/vnd.etsi.asic-e+zip');
    }
    problem(response, 404, 'not-found', 'Not found');
  }

  private capture(id: string, action: string, response: ServerResponse): void {
    const session = this.sessions.get(id);
    if (!session) return problem(response, 404, 'not-found', 'Not found');
    if (action === 'pen') return session.gone || session.finished ? problem(response, 409, 'conflict', 'Not possible', 'The capture is discarded.') : problem(response, 426, 'upgrade', 'Upgrade required');
    if (action === 'media') {
      this.mediaOffers++;
      return problem(response, 503, 'unavailable', 'The test answers offers itself');
    }
    if (action === 'discard') {
      delete this.ceremony.captureId;
      this.advance();
      return send(response, 200, this.ceremony);
    }
    if (!session.finished) return problem(response, 409, 'gap', 'Samples are missing');
    if (this.accepted && this.kinds.get(id) === 'reference') this.ceremony.references.have++;
    if (this.accepted && this.kinds.get(id) === 'signature') this.ceremony.captureId = id;
    this.advance();
    send(response, 200, { accepted: this.accepted, quality: {} as FinishedCapture['quality'], problems: this.problems, signing: this.ceremony });
    this.accepted = true;
    this.problems = [];
  }

  // A new capture takes the place of the open one.
  discardOpen(): void {
    for (const session of this.sessions.values()) {
      if (session.finished) continue;
      session.gone = true;
      session.cut();
    }
  }

  private advance(): void {
    const state = this.ceremony;
    const given = (purpose: string) => state.consents.find((one) => one.purpose === purpose)?.given;
    if (state.consents.some((one) => one.given === undefined)) state.next = 'read';
    else if (state.fields.some((field) => field.required && !field.fixed && !field.value)) state.next = 'fill';
    else if (!given('handwriting')) state.next = 'type';
    else if (state.captureId) state.next = 'confirm';
    else if (given('comparison') && state.references.have < state.references.want) state.next = 'enrol';
    else state.next = 'sign';
  }

  private seal(): void {
    this.ceremony.next = 'done';
    this.ceremony.deposit = { size: 300_000, retainUntil: '2036-11-23T20:00:00Z' };
  }

  // The owner's side.
  private owner(key: string, request: IncomingMessage, response: ServerResponse, url: URL, body: Buffer, json: () => any): void {
    const account = { id: 'a1', name: 'Ada Durand', email: 'ada@atelier.example', role: 'owner' };
    if (key.startsWith('GET /invitations/')) {
      return key.endsWith('/good') ? send(response, 200, { email: account.email, role: 'owner', totp: { secret: 'JBSWY3DPEHPK3PXP', uri: 'otpauth://totp/Inkwitness:ada' } }) : problem(response, 410, 'expired', 'No longer valid');
    }
    if (key === 'POST /invitations/accept') {
      const { password, totp } = json();
      if (password.length < (totp === '123456' ? 8 : 15)) return problem(response, 422, 'invalid', 'Not possible', 'The password needs at least 15 characters.');
      this.signedIn = true;
      return send(response, 200, { account, ...(totp ? { recoveryCodes: ['aaaa-bbbb', 'cccc-dddd'] } : {}) });
    }
    if (key === 'POST /session') {
      if (json().password !== 'correct horse battery') return problem(response, 401, 'credentials', 'Wrong', 'The address or the password is wrong.');
      this.signedIn = true;
      return send(response, 200, { account });
    }
    if (key === 'POST /sso') return json().name.endsWith('atelier.example') ? send(response, 200, { url: `${this.url}/elsewhere` }) : problem(response, 404, 'not-found', 'Not found');
    if (key === 'POST /sso/p1') {
      this.tookOver = json().takeOver;
      return send(response, 200, { url: `${this.url}/elsewhere` });
    }
    if (!this.signedIn) return problem(response, 401, 'not-signed-in', 'Not signed in');
    if (key === 'GET /session') return send(response, 200, { account });
    if (key === 'DELETE /session') {
      this.signedIn = false;
      return void response.writeHead(204).end();
    }
    const asked = this.people.answer(key, json);
    if (asked) return asked.problem ? problem(response, asked.status, asked.problem, asked.problem) : asked.body === undefined ? void response.writeHead(asked.status).end() : send(response, asked.status, asked.body);
    if (key === 'GET /documents') return send(response, 200, { documents: this.documents });
    if (key === 'GET /providers') return send(response, 200, { providers: this.providers });
    if (key === 'GET /outbox') return send(response, 200, { mails: this.mails });
    if (key === 'POST /documents') {
      if (!body.subarray(0, 5).equals(Buffer.from('%PDF-'))) return problem(response, 422, 'invalid', 'Not possible', 'This is not a PDF file.');
      const document = this.newDocument(url.searchParams.get('title') ?? '', url.searchParams.get('filename') ?? '', body.length);
      this.documents.unshift(document);
      return send(response, 201, document);
    }
    const [, id, action] = /^\w+ \/documents\/([^/]+)(?:\/(.*))?$/.exec(key) ?? [];
    const document = this.documents.find((one) => one.id === id);
    if (document) return answerDocument(this, request.method ?? '', action ?? '', document, response, json);
    const answer = this.disputes.answer(request.method ?? '', key.split(' ')[1]!, url, json);
    if (answer?.bytes) return void response.writeHead(200, { 'Content-Type': answer.bytes[1], 'Content-Disposition': `attachment; filename="${answer.bytes[2]}"` }).end(answer.bytes[0]);
    if (answer && answer.status < 400) return send(response, answer.status, answer.body);
    if (answer) return problem(response, answer.status, 'refused', 'Not possible', (answer.body as { detail?: string } | undefined)?.detail);
    problem(response, 404, 'not-found', 'Not found');
  }

  providers: Provider[] = [{ name: '', legal: 'This service', level: 'advanced' }];
  elsewhere = false; // the certificate provider asks the signer itself
  shares: object[] = [];
  comments: object[] = [];
  holds: Hold[] = [];
  erasures: { what: string; reason: string }[] = [];
  tookOver = false;
  codesSent = 0;
  dataRequests: string[] = []; // to who is responsible for the data
  handed: Handed | undefined;

  // A device that goes round: one signer after the other.
  private hand(key: string, request: IncomingMessage, response: ServerResponse, json: () => any): void {
    const { handed } = this;
    if (key === 'POST /signing/leave') {
      if (this.ceremony.next === 'done' && handed) {
        handed.signers.find((signer) => signer.id === handed.next)!.state = 'signed';
        handed.next = handed.signers.find((signer) => signer.state !== 'signed')?.id;
        handed.over = !handed.next;
      }
      response.setHeader('Set-Cookie', 'signer=; Max-Age=0; Path=/');
      return void response.writeHead(204).end();
    }
    if (!handed || !/hand=1/.test(request.headers.cookie ?? '')) return problem(response, 401, 'not-signed-in', 'Not handed round');
    if (key === 'GET /signing/hand') return send(response, 200, handed);
    if (key === 'POST /signing/hand/end') {
      response.setHeader('Set-Cookie', 'hand=; Max-Age=0; Path=/');
      return void response.writeHead(204).end();
    }
    const signer = handed.signers.find((one) => one.id === json().signer)!;
    this.ceremony = { ...this.ceremony, signer: { ...signer }, next: 'read', captureId: undefined, deposit: undefined, consents: this.ceremony.consents.map(({ given: _, at: __, ...rest }) => rest) };
    response.setHeader('Set-Cookie', 'signer=1; HttpOnly; SameSite=Strict; Path=/');
    send(response, 200, this.ceremony);
  }

  newDocument(title: string, filename: string, size: number): Document {
    return {
      id: randomBytes(16).toString('hex'), title, filename, pages: this.pages(), state: 'draft',
      createdAt: '2026-11-23T18:00:00Z', sha256: this.ceremony.document.sha256, size, signers: [], fields: [], provider: '', remindDays: 0,
    };
  }
}
