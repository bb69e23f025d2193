// Rules between settings that a hostile or hurried operator would break: credentials that are not one's own (EXP-27, SEC-13).
import { afterEach, beforeEach, expect, test } from 'vitest';
import { mintLeaf, mintRoot } from '../../../../certs/mint.ts';
import { parseSettings } from '../../../../gateway/config.ts';
import { secretFile, temporaryDirectory } from '../../../support/gateway-fakes.ts';
import { rawSettings, WRITER_KEY } from '../../../support/gateway-server.ts';

let directory: ReturnType<typeof temporaryDirectory>;
beforeEach(() => {
  directory = temporaryDirectory();
});
afterEach(() => directory.remove());

test.each([
  ['a client of another DiGA', 'clients', 2],
  ['a client of the same DiGA', 'clients', 1],
  ['an operator', 'operators', 0],
] as const)('%s with the key of the first client is refused by name, and the key is not said', (_name, list, index) => {
  const raw = rawSettings(directory.path);
  const entry = raw[list][index];
  if (entry === undefined) throw new Error('no such entry');
  entry.keyFile = secretFile(directory.path, 'copied.key', `${WRITER_KEY}\n`);
  const result = parseSettings(raw);
  expect(result).toEqual({
    ok: false,
    faults: [{ key: `${list}[${index}].keyFile`, message: 'holds the same key as clients[0].keyFile' }],
  });
  expect(JSON.stringify(result)).not.toContain(WRITER_KEY);
});

test('keys of their own are taken', () => {
  expect(parseSettings(rawSettings(directory.path))).toMatchObject({ ok: true });
});

test('every fault of tokens and certificates is named at once (SEC-13, SEC-15)', () => {
  const raw = rawSettings(directory.path);
  const file = (name: string, text: string) => secretFile(directory.path, name, text);
  const leaf = mintLeaf(mintRoot('TEST-ONLY root', {}), { commonName: 'client' });
  const certificate = file('client.pem', leaf.certPem);
  const [backend, dashboard, other] = raw.clients;
  const bare = { diga: 'demo', roles: ['reader'] };
  const result = parseSettings({
    ...raw,
    tokenIssuers: [
      { issuer: 'a', audience: 'x', jwksUrl: 'https://a.example/keys' },
      { issuer: 'a', audience: 'x', jwksFile: certificate },
      { issuer: 'c', audience: 'x' },
    ],
    clients: [
      { ...backend, token: { issuer: 'nobody', client: 'app' } },
      { ...dashboard, certificateFiles: [certificate] },
      { ...other, token: { issuer: 'a', client: 'app' } },
      { id: 'twice', ...bare, token: { issuer: 'a', client: 'app' } },
      { id: 'unarmed', ...bare },
      { id: 'broken', ...bare, certificateFiles: [file('none.pem', 'no certificate'), certificate] },
    ],
  });
  expect(result.ok ? [] : result.faults.map((f) => f.key)).toEqual([
    'tokenIssuers[0].caFile',
    'tokenIssuers[1].issuer',
    'tokenIssuers[2].jwksUrl',
    'clients[0].token.issuer',
    'clients[3].token',
    'clients[4]',
    'clients[1].certificateFiles[0]',
    'clients[5].certificateFiles[0]',
    'clients[5].certificateFiles[0]',
    'clients[5].certificateFiles[1]',
    'clients[5].certificateFiles[1]',
  ]);
});

test('symmetric signatures and none cannot even be configured', () => {
  const raw = rawSettings(directory.path);
  for (const algorithm of ['none', 'HS256']) {
    const issuer = { issuer: 'a', audience: 'x', jwksFile: raw.masterKeyFile, algorithms: [algorithm] };
    expect(parseSettings({ ...raw, tokenIssuers: [issuer] })).toMatchObject({ ok: false });
  }
});
