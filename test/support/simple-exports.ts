// Exports of small JSON, `content.mode: simple`: weights of single days, and what of them was written.
import { expect } from 'vitest';
import { judgeXml } from '../../gateway/documents/judge.ts';
import { openToolkits } from '../../gateway/documents/toolkits.ts';
import { KVNR } from './gateway-fakes.ts';
import { exportBody, type TestGateway } from './gateway-server.ts';

export type Entry = Record<string, unknown>;
export const weight = (day: string, value: number | string = 72.5, more: Entry = {}): Entry => ({
  kind: 'bodyWeight',
  id: `w-${day}`,
  at: `${day}T07:30:00+01:00`,
  value,
  unit: 'kg',
  ...more,
});
export const body = (entries: Entry[], more: Record<string, unknown> = {}) =>
  exportBody({ content: { mode: 'simple', entries }, ...more });

const toolkits = openToolkits();
export const errorsIn = (text: string) =>
  judgeXml(Buffer.from(text), toolkits, { versions: ['1.1.0'], maxBytes: 25_000_000, kvnr: KVNR }).findings.filter(
    (finding) => finding.severity === 'error',
  );

export type SimpleExport = {
  id: string;
  status: string;
  reason: { code: string; export?: string } | null;
  document: { part: string | null; version: number; entryUuid: string };
  documents: {
    part: string | null;
    entryUuid: string;
    status: string;
    version: number | null;
    replaces: string | null;
    bytes: number;
  }[];
};

/** What a test asks of its gateway. */
export function simpleExports(gateway: () => TestGateway) {
  const post = (value: unknown, headers: Record<string, string> = {}) =>
    gateway().call('/v1/exports', { body: value, headers });
  const written = () => gateway().outside.writes.map((one) => one.content.toString());
  /** Posts, and waits until nothing is due. */
  async function export_(entries: Entry[], more: Record<string, unknown> = {}) {
    const answer = await post(body(entries, more));
    expect(answer.text.slice(0, 500)).toContain('"id"');
    await gateway().gateway.idle();
    return (await gateway().call(`/v1/exports/${answer.json.id}`)).json as SimpleExport;
  }
  const stored = async () => (await gateway().call('/v1/exports')).json.exports as unknown[];
  return { post, written, export_, stored };
}
