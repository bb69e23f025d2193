// The gateway against foreign servers in every manner the reference names: an export is written and replaced, and what arrived is
// what was posted. The servers know the reference and none of our code; where the gateway gives up, the gateway is wrong.
import { EventEmitter, once } from 'node:events';
import { afterEach, describe, expect, test } from 'vitest';
import { demoDocument } from '../../demo/document.ts';
import { parseSettings } from '../../gateway/config.ts';
import type { LogFields, Logger } from '../../gateway/log.ts';
import { type Gateway, startGateway } from '../../gateway/main.ts';
import { exportBody, inventedKvnr } from '../support/world.ts';
import { type ForeignSite, type SiteManner, startForeignSite, TELEMATIK_ID } from './foreign-site.ts';

let site: ForeignSite | undefined;
let gateway: Gateway | undefined;
afterEach(async () => {
  await gateway?.stop();
  await site?.stop();
  gateway = site = undefined;
});

const KVNR = inventedKvnr(7);
const plain: SiteManner = {
  konnektor: { shape: 'secunet', dialect: 'prefixes', bom: false, signature: 'der', cardType: 'SMC-B' },
  idp: { answersAt: '/auth', keysWithCertificate: true, codeLength: 300, codeFirst: true, signedJwks: false },
  recordSystem: {
    chunked: false,
    innerContentLength: true,
    extraKeys: false,
    cid: () => `/VAU/${crypto.randomUUID()}`,
    answer: 'plain',
    talkative: false,
    vauNpDigits: 64,
    userAuthentication: (id) => id,
    shuffled: false,
    moreInLogin: false,
  },
};
type Change = { [K in 'konnektor' | 'idp' | 'recordSystem']?: Partial<SiteManner[K]> } & { twoOrigins?: boolean };
const changed = (change: Change): SiteManner => ({
  konnektor: { ...plain.konnektor, ...change.konnektor },
  idp: { ...plain.idp, ...change.idp },
  recordSystem: { ...plain.recordSystem, ...change.recordSystem },
  ...(change.twoOrigins !== undefined && { twoOrigins: change.twoOrigins }),
});

type View = {
  id: string;
  status: string;
  reason: unknown;
  document: { entryUuid: string; replaces: string | null; version: number };
};

async function start(manner: SiteManner) {
  const started = await startForeignSite(manner, (kvnr) => kvnr === KVNR);
  site = started;
  const read = parseSettings(started.settings);
  if (!read.ok) throw new Error(read.faults.map((fault) => `${fault.key} ${fault.message}`).join('; '));
  const events = new EventEmitter();
  const line =
    () =>
    (event: string, fields: LogFields = {}) => {
      if (/settled/.test(event)) events.emit('settled', fields.export);
    };
  const log: Logger = { debug: line(), info: line(), warn: line(), error: line() };
  const running = await startGateway(read.settings, { log });
  gateway = running;
  const ask = async (method: string, path: string, body?: object): Promise<View> => {
    const answer = await fetch(running.address + path, {
      method,
      headers: { authorization: `Bearer key_${'x'.repeat(40)}`, 'content-type': 'application/json' },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    if (!answer.ok) throw new Error(`${answer.status} ${await answer.text()}`);
    return (await answer.json()) as View;
  };
  /** Every state it came to rest in, up to a final one. */
  const write = async (document: Uint8Array): Promise<View & { rests: string[] }> => {
    const rests: string[] = [];
    let settled = once(events, 'settled');
    const { id } = await ask('POST', '/v1/exports', exportBody(KVNR, document));
    for (;;) {
      await settled;
      settled = once(events, 'settled');
      const view = await ask('GET', `/v1/exports/${id}`);
      rests.push(view.status);
      if (view.status !== 'unclear' && view.status !== 'queued') return { ...view, rests };
    }
  };
  return { site: started, write };
}

/** One document per version, the same at each call, with a line that looks like a boundary. */
const at = new Date();
const bundle = (version: number): Buffer =>
  Buffer.concat([demoDocument(KVNR, version, at), Buffer.from('\r\n<!-- uuid:x äöü -->\r\n')]);

describe('an export is written and replaced', () => {
  test.each<[string, Change]>([
    ['in the plainest manner', {}],
    [
      'at a Konnektor in the shape of RISE, default namespaces, byte order mark',
      { konnektor: { shape: 'rise', dialect: 'default-namespaces', bom: true } },
    ],
    [
      'at a KoCoBox that lists Endpoint beside EndpointTLS and signs raw',
      { konnektor: { shape: 'kocobox', signature: 'raw' } },
    ],
    [
      'at a Konnektor with one URL per revision, raw signatures and default namespaces',
      { konnektor: { shape: 'kops', signature: 'raw', dialect: 'default-namespaces' } },
    ],
    ['at a Konnektor in the shape of Titus', { konnektor: { shape: 'titus', bom: true } }],
    [
      'though the handle is refused once by a fault with HTTP 200, a vendor code before gematik’s',
      { konnektor: { faultOnce: { code: 4101, status: 200, vendorCode: 10_123 } } },
    ],
    [
      'with an HSM-B that has no PIN, in a terminal that is virtual',
      { konnektor: { cardType: 'HSM-B', shape: 'rise' } },
    ],
    [
      'at a record system that answers in chunks, without inner Content-Length, with keys nobody knows',
      { recordSystem: { chunked: true, innerContentLength: false, extraKeys: true } },
    ],
    [
      'with a VAU-CID of doubled slashes, even in front',
      { recordSystem: { cid: () => `//VAU//a-B//${crypto.randomUUID()}/` } },
    ],
    [
      'at a record system that answers as multipart, with mustUnderstand and a MessageID of its own',
      { recordSystem: { answer: 'multipart', talkative: true, vauNpDigits: 20, moreInLogin: true } },
    ],
    [
      'where VAU-Status names the user in words of its own',
      { recordSystem: { talkative: true, userAuthentication: (id) => `SMC-B [Telematik-ID=${id}]` } },
    ],
    [
      'at an IDP in the manner of ref-idp: other endpoint, keys without certificate, signed_jwks_uri, longest code',
      {
        idp: {
          answersAt: '/sign_response',
          keysWithCertificate: false,
          signedJwks: true,
          codeLength: 2000,
          codeFirst: false,
        },
      },
    ],
    [
      'where the Location’s query stands in another order',
      { recordSystem: { shuffled: true }, idp: { codeFirst: false } },
    ],
    ['where the Location leads to another agreed address of the IDP', { twoOrigins: true }],
  ])('%s', async (_what, change) => {
    const { site, write } = await start(changed(change));
    const first = await write(bundle(1));
    expect(first).toMatchObject({ status: 'written', reason: null, document: { version: 1, replaces: null } });
    const second = await write(bundle(2));
    expect(second).toMatchObject({ status: 'written', document: { version: 2, replaces: first.document.entryUuid } });
    const stored = site.recordSystem.documents.get(KVNR) ?? [];
    expect(
      stored.map(({ entryUuid, replaces, status, bytes }) => [entryUuid, replaces, status, bytes.toString('utf8')]),
    ).toEqual([
      [first.document.entryUuid, null, 'Deprecated', bundle(1).toString('utf8')],
      [second.document.entryUuid, first.document.entryUuid, 'Approved', bundle(2).toString('utf8')],
    ]);
    expect(site.konnektor.operations.filter((name) => name === 'ExternalAuthenticate')).toHaveLength(2);
    expect(site.recordSystem.inner.filter((path) => path.endsWith('I_Document_Management'))).toHaveLength(2);
    expect(stored[1]?.metadata).toContain(`^^^^${TELEMATIK_ID}</`);
    expect(stored[1]?.metadata).toContain('DiGA \\T\\ Söhne^Fremd\\S\\GmbH');
  });

  test('after the record system has forgotten every channel and says so in JSON', async () => {
    const { site, write } = await start(changed({}));
    await write(bundle(1));
    site.recordSystem.forget();
    const second = await write(bundle(2));
    expect([second.status, second.rests.at(-1)]).toEqual(['written', 'written']);
    expect((site.recordSystem.documents.get(KVNR) ?? []).map((one) => one.status)).toEqual(['Deprecated', 'Approved']);
    expect(site.konnektor.operations.filter((name) => name === 'ExternalAuthenticate')).toHaveLength(4);
  });

  test('with the pseudonym of the login on every later outer message', async () => {
    const { site, write } = await start(changed({ recordSystem: { vauNpDigits: 20 } }));
    await write(bundle(1));
    const named = site.recordSystem.outer
      .map((asked) => asked.headers['vau-np'])
      .filter((value) => value !== undefined);
    expect(new Set(named).size).toBe(1);
    expect(named[0]).toMatch(/^[0-9a-f]{20}$/);
  });
});
