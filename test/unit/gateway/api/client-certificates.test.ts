// Mutual TLS (SEC-13, SEC-15): a pinned client certificate alone or beside a key, for clients and operators, on brainpool, too
// (SEC-05: the peer's certificate is never asked for in the way that kills the process).
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Agent, request } from 'undici';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { mintLeaf, mintRoot } from '../../../../certs/mint.ts';
import { clientTlsOptions } from '../../../../wire/tls.ts';
import { READER_KEY, type TestGateway, testGateway, WRITER_KEY } from '../../../support/gateway-server.ts';

const root = mintRoot('TEST-ONLY root', {});
const server = mintLeaf(root, { commonName: 'gateway', ip: ['127.0.0.1'], extendedKeyUsage: ['serverAuth'] });
const clientLeaf = (commonName: string, more: object = {}) =>
  // The gateway judges by its own clock, which stands still, OpenSSL by the real one.
  mintLeaf(root, { commonName, extendedKeyUsage: ['clientAuth'], notBefore: new Date('2026-01-01'), ...more });
const leaves = {
  alone: clientLeaf('alone'),
  brainpool: clientLeaf('brainpool', { curve: 'brainpoolP256r1' }),
  beside: clientLeaf('beside'),
  operator: clientLeaf('operator'),
  past: clientLeaf('past', { notBefore: new Date('2020-01-01'), notAfter: new Date('2021-01-01') }),
  // Same name and issuer as a known one, another key.
  twin: clientLeaf('alone'),
};

let g: TestGateway;
beforeAll(async () => {
  g = await testGateway((raw) => {
    const write = (name: string, text: string) => {
      const path = join(raw.masterKeyFile, '..', name);
      writeFileSync(path, text, { mode: 0o600 });
      return path;
    };
    const files = Object.fromEntries(Object.entries(leaves).map(([n, leaf]) => [n, write(`${n}.pem`, leaf.certPem)]));
    const tls = { certFile: write('server.pem', server.certPem), keyFile: write('server.key', server.keyPem) };
    const reader = { diga: 'demo', roles: ['reader'] };
    const [backend, dashboard] = raw.clients;
    return {
      ...raw,
      listen: { ...raw.listen, tls },
      admin: { ...raw.admin, tls },
      clients: [
        backend,
        { ...dashboard, certificateFiles: [files.beside] },
        { id: 'alone', ...reader, certificateFiles: [files.alone, files.past] },
        { id: 'brainpool', ...reader, certificateFiles: [files.brainpool] },
      ],
      operators: [{ id: 'op', roles: ['operator'], certificateFiles: [files.operator] }],
    };
  });
});
afterAll(() => g.close());

async function ask(o: { leaf?: keyof typeof leaves; key?: string; admin?: boolean; max?: 'TLSv1.2' }) {
  const leaf = o.leaf === undefined ? undefined : leaves[o.leaf];
  const agent = new Agent({
    connect: {
      ...clientTlsOptions({ ca: root.certPem, ...(leaf && { cert: leaf.certPem, key: leaf.keyPem }) }),
      ...(o.max && { maxVersion: o.max }),
    },
  });
  try {
    const url = o.admin ? `${g.gateway.adminAddress}/admin/v1/exports` : `${g.gateway.address}/v1/exports`;
    const headers = o.key === undefined ? {} : { authorization: `Bearer ${o.key}` };
    const answer = await request(url, { dispatcher: agent, headers });
    const body = (await answer.body.json()) as { code?: string };
    return [answer.statusCode, body.code ?? null];
  } finally {
    await agent.destroy();
  }
}

test.each([
  ['its certificate alone', { leaf: 'alone' }],
  ['a certificate on brainpool', { leaf: 'brainpool' }],
  ['a certificate on brainpool over TLS 1.2', { leaf: 'brainpool', max: 'TLSv1.2' }],
  ['key and certificate where both are agreed', { leaf: 'beside', key: READER_KEY }],
  ['a key where no certificate is agreed', { key: WRITER_KEY }],
  ['a key, with a certificate that nobody asked for', { leaf: 'twin', key: WRITER_KEY }],
  ['an operator with a certificate', { leaf: 'operator', admin: true }],
] as const)('%s is enough', async (_what, o) => {
  expect(await ask(o)).toEqual([200, null]);
});

test.each([
  ['nothing', {}],
  ['a key without the certificate agreed beside it', { key: READER_KEY }],
  ["a key with another client's certificate", { key: READER_KEY, leaf: 'alone' }],
  ['the certificate without the key agreed beside it', { leaf: 'beside' }],
  ['a certificate of the same name with another key', { leaf: 'twin' }],
  ['a pinned certificate whose time is over', { leaf: 'past' }],
  ["an operator's certificate at the API", { leaf: 'operator' }],
  ["a client's certificate at the admin listener", { leaf: 'alone', admin: true }],
  ['a known certificate beside a wrong key', { leaf: 'alone', key: 'wrong-key-0123456789' }],
] as const)('%s is refused', async (_what, o) => {
  expect(await ask(o)).toEqual([401, 'UNAUTHENTICATED']);
});
