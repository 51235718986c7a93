// The HTTP contract with the service: every request that a page makes is a function of
// one of these, or of people.ts (members and settings) and compare/service.ts (disputes).
export * from './api/documents.ts';
export type * from './api/evidence.ts';
export * from './api/http.ts';
export * from './api/signing.ts';
