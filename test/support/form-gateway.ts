// Exports posted as multipart/form-data to a gateway over a real store, for the tests of the form.
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect } from 'vitest';
import { FORM } from './export-form.ts';
import { mioBundle } from './gateway-fakes.ts';
import { type TestGateway, testGateway } from './gateway-server.ts';

/** A MIO of about `bytes` bytes. */
export const large = (bytes: number) =>
  Buffer.from(
    mioBundle('big')
      .toString()
      .replace('</Bundle>', `<!--${'x'.repeat(bytes)}--></Bundle>`),
  );

/** A gateway that takes documents of up to 3 MB. */
export const formGateway = () =>
  testGateway((raw) => ({ ...raw, limits: { documentBytes: 3_000_000, bodyBytes: 8_000_000 } }));

/** Posts forms to the gateway, and looks at what its store holds afterwards. */
export function formPosts(gateway: () => TestGateway) {
  const post = (body: Uint8Array, headers: Record<string, string> = {}, query = '') =>
    gateway().call(`/v1/exports${query}`, { body, headers: { 'content-type': FORM, ...headers } });
  const rows = (table: string): number => {
    const db = new DatabaseSync(join(gateway().settings.dataDirectory, 'gateway.db'), { readOnly: true });
    try {
      return Number(db.prepare(`SELECT count(*) AS n FROM ${table}`).get()?.n);
    } finally {
      db.close();
    }
  };
  const nothingStored = () =>
    expect(['exports', 'documents', 'stagings', 'sealed_chunks', 'idempotency'].map((t) => rows(t))).toEqual([
      0, 0, 0, 0, 0,
    ]);
  return { post, rows, nothingStored };
}
