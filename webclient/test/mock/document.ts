// What the owner does with one document of the stand-in.
import { randomBytes } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import type { Document, Hold } from '../../src/api.ts';
import { bytes, problem, send } from './answers.ts';
import { type Mock, TOKEN } from './server.ts';

export function answerDocument(mock: Mock, method: string, action: string, document: Document, response: ServerResponse, json: () => any): void {
  switch (`${method} ${action}`) {
    case 'GET ':
      return send(response, 200, document);
    case 'GET pdf':
    case 'GET signed.pdf':
      return bytes(response, mock.pdf, 'application/pdf');
    case 'GET deposit':
      return bytes(response, randomBytes(300_000), 'application/vnd.etsi.asic-e+zip');
    case 'PUT provider':
      document.provider = json().provider;
      return send(response, 200, document);
    case 'PUT plan': {
      const plan = json();
      document.signers = plan.signers.map((signer: object, i: number) => ({ id: `s${i}`, state: 'waiting', typed: false, ...signer }));
      document.fields = plan.fields;
      return send(response, 200, document);
    }
    case 'POST send':
      document.state = 'sent';
      document.sentAt = '2026-11-23T18:05:00Z';
      document.signers.forEach((signer, i) => (signer.state = i === 0 ? 'invited' : 'waiting'));
      mock.mails.unshift({ id: randomBytes(4).toString('hex'), to: document.signers[0]!.email, subject: `Please sign: ${document.title}`, text: `Open this link to sign:\n${mock.url}/sign#t=${TOKEN}\n`, createdAt: '2026-11-23T18:05:00Z', state: 'local' });
      return send(response, 200, document);
    case 'PUT signers/s0':
      Object.assign(document.signers[0]!, json());
      return send(response, 200, document);
    case 'POST signers/s0/erase': {
      if (!mock.people.proved) return problem(response, 403, 'step-up', 'Prove that it is you');
      const asked = json();
      mock.erasures.push(asked);
      if (asked.what === 'recording') document.signers[0]!.erasedAt = '2026-11-23T19:30:00Z';
      return send(response, 200, { what: asked.what, at: '2026-11-23T19:30:00Z', deleted: true });
    }
    case 'PUT reminders':
      document.remindDays = json().days;
      document.remindAt = '2026-11-26T18:05:00Z';
      return send(response, 200, document);
    case 'POST in-person':
      Object.assign(document, { state: 'sent', inPerson: true });
      mock.handed = { title: document.title, sender: mock.ceremony.sender, over: false, next: document.signers[0]!.id, signers: document.signers };
      response.setHeader('Set-Cookie', 'hand=1; HttpOnly; SameSite=Strict; Path=/');
      return send(response, 200, document);
    case 'POST remind':
      return send(response, 200, document);
    case 'POST cancel':
      document.state = 'cancelled';
      return send(response, 200, document);
    case 'GET shares':
      return send(response, 200, { shares: mock.shares });
    case 'PUT shares': {
      const asked = json();
      if (!asked.email.endsWith('@atelier.example')) return problem(response, 422, 'invalid', 'Not possible', 'Nobody in your organisation has this address.');
      const share = { account: 'a1', name: 'Bea Collègue', since: '2026-11-23T18:06:00Z', ...asked };
      mock.shares.push(share);
      return send(response, 200, share);
    }
    case 'DELETE shares/a1':
      mock.shares = [];
      return void response.writeHead(204).end();
    case 'GET comments':
      return send(response, 200, { comments: mock.comments });
    case 'POST comments': {
      const comment = { id: 'c1', at: '2026-11-23T18:07:00Z', who: 'Ada Durand', mine: true, text: json().text };
      mock.comments.push(comment);
      return send(response, 201, comment);
    }
    case 'DELETE comments/c1':
      mock.comments = [];
      return void response.writeHead(204).end();
    case 'GET holds':
      return send(response, 200, { holds: mock.holds, protected: mock.holds.some((one) => one.protects) });
    case 'POST holds': {
      const hold: Hold = { id: 'h1', reason: json().reason, state: 'placed', protects: true, placed: { by: 'a1', name: 'Ada Durand', at: '2026-11-23T18:08:00Z' }, mayAgree: false };
      mock.holds.push(hold);
      if (document.deposit) document.deposit.hold = true;
      return send(response, 201, hold);
    }
    case 'POST holds/h1/agree':
    case 'POST holds/h1/end':
    case 'POST holds/h1/lift': {
      const act = action.split('/')[2] as 'agree' | 'end' | 'lift';
      const [hold] = mock.holds;
      if (act === 'agree' && !hold!.mayAgree) return problem(response, 409, 'conflict', 'Not possible', 'Another person has to agree.');
      const [state, done] = ({ agree: ['inForce', 'agreed'], end: ['ending', 'ended'], lift: ['lifted', 'lifted'] } as const)[act];
      Object.assign(hold!, { state, [done]: { by: 'b1', name: 'Bea Collègue', at: '2026-11-23T18:09:00Z' }, mayAgree: false, protects: act !== 'lift' });
      if (document.deposit) document.deposit.hold = hold!.protects;
      return send(response, 200, hold);
    }
    case 'GET activity':
      return send(response, 200, { activity: [
        { at: document.createdAt, kind: 'document.uploaded', who: 'Ada Durand', account: 'a1' },
        { at: document.createdAt, kind: 'document.read', who: '', account: 'c'.repeat(32) }, // no account any more
        ...(document.sentAt ? [{ at: document.sentAt, kind: 'document.sent', who: 'Ada Durand', account: 'a1' }, { at: document.sentAt, kind: 'signer.invited', who: '', signer: 's0' }] : []),
      ] });
  }
  problem(response, 404, 'not-found', 'Not found');
}
