// Bodies of POST /v1/exports that are right but for what a test changes.
import { demoDocument } from '../../demo/document.ts';
import { exportBody, inventedKvnr } from './world.ts';

/** Of a client that may only read. */
export const READER_KEY = 'reader-of-bad-bodies-0123456789';
export const KVNR = inventedKvnr(77);
export const OTHER = inventedKvnr(78);
const document = demoDocument(KVNR, 1, new Date('2026-11-25T11:00:00Z'));
export const right = exportBody(KVNR, document);
export const content = right.content as Record<string, unknown>;

export type Sent = { body: string | Uint8Array; headers?: Record<string, string>; key?: string | null; path?: string };
export const json = (change: Record<string, unknown>): Sent => ({ body: JSON.stringify({ ...right, ...change }) });
export const without = (...names: string[]): Sent => ({
  body: JSON.stringify(Object.fromEntries(Object.entries(right).filter(([name]) => !names.includes(name)))),
});
export const holding = (change: Record<string, unknown>): Sent => json({ content: { ...content, ...change } });
export const bytes = (text: string | Uint8Array, mimeType = 'application/fhir+xml'): Sent =>
  holding({ mimeType, base64: Buffer.from(text).toString('base64') });
export const pdf = (text: string): Sent => bytes(text, 'application/pdf');
export const text = Buffer.from(document).toString();
export const wrongDigit = `${KVNR.slice(0, 9)}${(Number(KVNR[9]) + 1) % 10}`;
export const at = '2026-10-01T08:00:00Z';

/** A body and what it must be answered with; findings as `pointer CODE`. */
export type BadBody = [name: string, sent: Sent, status: number, code: string, findings: string[]];
