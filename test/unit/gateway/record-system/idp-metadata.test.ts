// What the IDP says about itself (epa-record-system.md 2.2, SES-05): each check on discovery document and keys broken alone,
// before the card signs anything, and key changes survived without restart (D28).
import { generateKeyPairSync } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import { ROLE } from '../../../../certs/admission.ts';
import { mintLeaf, mintRoot } from '../../../../certs/mint.ts';
import { Idp } from '../../../../gateway/record-system/idp.ts';
import { publicJwk } from '../../../../wire/jose.ts';
import { type IdpTwist, ISSUER, idpPeer, locationOf } from './idp-peer.ts';
import {
  admission,
  CA_WHEN,
  createPki,
  DAY,
  fakeEgress,
  NOW,
  type Pki,
  type Route,
  refusalOf,
  smcbSigner,
  USER_AGENT,
  WHEN,
  YEAR,
} from './peers.ts';

let pki: Pki;
beforeAll(() => {
  pki = createPki();
});

function setUp(twist: IdpTwist = {}, before: Route = () => undefined) {
  const peer = idpPeer(pki, twist);
  const egress = fakeEgress(before, peer.route);
  const clock = { now: NOW };
  const trusted = { anchors: pki.anchors };
  const idp = new Idp({
    idp: { issuer: ISSUER },
    egress,
    anchors: () => trusted.anchors,
    userAgent: USER_AGENT,
    now: () => clock.now,
  });
  const signer = smcbSigner(pki);
  return {
    peer,
    egress,
    clock,
    signer,
    idp,
    trusted,
    authorize: (location = locationOf()) => idp.authorize(location, signer),
  };
}

const idpLeaf = (o: { oid?: string; when?: object; keyUsage?: string[] } = {}) =>
  mintLeaf(pki.ca, {
    commonName: 'IDP',
    ...WHEN,
    ...o.when,
    ...(o.keyUsage && { keyUsage: o.keyUsage }),
    admission: admission(o.oid ?? ROLE.idpd),
  });
const document = (name: string, value: unknown): IdpTwist => ({
  discovery: (claims) => ({ ...claims, [name]: value }),
});

describe('the metadata', () => {
  it('serves its metadata once for many logins, and anew when the document has ended', async () => {
    const { authorize, peer, clock } = setUp({ discovery: (claims) => ({ ...claims, exp: NOW / 1000 + 100 }) });
    await authorize();
    await authorize();
    expect(peer.seen.discovery).toBe(1);
    clock.now += 100_000;
    expect(await refusalOf(authorize())).toBe('IDP_UNTRUSTED idp.discovery-expired');
    expect(peer.seen.discovery).toBe(2);
  });
});

describe('after a change of anchors', () => {
  it('is judged anew: a root that was taken out is not believed any longer', async () => {
    const { authorize, idp, trusted, peer } = setUp();
    await authorize();
    trusted.anchors = { ...pki.anchors, roots: [] };
    idp.forget();
    expect(await refusalOf(authorize())).toBe('IDP_UNTRUSTED idp.discovery-chain');
    trusted.anchors = pki.anchors;
    await authorize();
    expect(peer.seen.discovery).toBe(3);
  });

  it('does not keep what was on its way', async () => {
    let meanwhile = () => {};
    const { authorize, idp, trusted, peer } = setUp({}, ({ request }) => {
      if (request.url.endsWith('/idpEnc')) meanwhile();
      return undefined;
    });
    meanwhile = () => {
      meanwhile = () => {};
      trusted.anchors = { ...pki.anchors, roots: [] };
      idp.forget();
    };
    await authorize();
    expect(await refusalOf(authorize())).toBe('IDP_UNTRUSTED idp.discovery-chain');
    expect(peer.seen.discovery).toBe(2);
  });
});

describe('each check broken alone stops the login before the card signs', () => {
  const cases: [check: string, title: string, twist: () => IdpTwist][] = [
    [
      'idp.discovery-format',
      'a document that is no JWS',
      () => ({ answer: (p) => (p.includes('openid') ? { status: 200, body: '{}' } : undefined) }),
    ],
    ['idp.discovery-alg', 'another alg', () => ({ discoveryHeader: (h) => ({ ...h, alg: 'ES256' }) })],
    ['idp.discovery-alg', 'alg none', () => ({ discoveryHeader: (h) => ({ ...h, alg: 'none' }) })],
    ['idp.discovery-certificate', 'no x5c', () => ({ discoveryHeader: ({ x5c: _, ...h }) => h })],
    [
      'idp.discovery-certificate',
      'x5c that is no certificate',
      () => ({ discoveryHeader: (h) => ({ ...h, x5c: ['AAAA'] }) }),
    ],
    [
      'idp.discovery-certificate',
      'an x5c with a line break in its Base64',
      () => ({ discoveryHeader: (h) => ({ ...h, x5c: [h.x5c].flat().map((one) => `${one}\n`) }) }),
    ],
    ['idp.discovery-certificate', 'an empty x5c', () => ({ discoveryHeader: (h) => ({ ...h, x5c: [] }) })],
    [
      'idp.discovery-chain',
      'a signer of another root',
      () => ({
        discoverySigner: mintLeaf(mintRoot('Other', CA_WHEN), {
          commonName: 'IDP',
          ...WHEN,
          admission: admission(ROLE.idpd),
        }),
      }),
    ],
    [
      'idp.discovery-validity',
      'an expired signer',
      () => ({
        discoverySigner: idpLeaf({ when: { notBefore: new Date(NOW - YEAR), notAfter: new Date(NOW - DAY) } }),
      }),
    ],
    ['idp.discovery-role', 'a signer of another role', () => ({ discoverySigner: idpLeaf({ oid: ROLE.epaVau }) })],
    [
      'idp.discovery-key-usage',
      'a signer that may not sign',
      () => ({ discoverySigner: idpLeaf({ keyUsage: ['keyAgreement'] }) }),
    ],
    ['idp.discovery-key-usage', 'no key usage at all', () => ({ discoverySigner: idpLeaf({ keyUsage: [] }) })],
    ['idp.discovery-signature', 'another key', () => ({ discoveryKey: pki.vau.privateKey })],
    ['idp.discovery-expired', 'an old document', () => document('exp', NOW / 1000)],
    ['idp.discovery-not-yet', 'a document of tomorrow', () => document('iat', NOW / 1000 + 86_400)],
    ['idp.discovery-claims', 'no exp', () => document('exp', undefined)],
    ['idp.discovery-claims', 'no iat', () => document('iat', undefined)],
    ['idp.discovery-claims', 'no authorization_endpoint', () => document('authorization_endpoint', undefined)],
    ['idp.issuer', 'another issuer', () => document('issuer', 'https://idp.test/')],
    [
      'idp.endpoint-origin',
      'an authorization_endpoint elsewhere',
      () => document('authorization_endpoint', 'https://evil.test/auth'),
    ],
    ['idp.endpoint-origin', 'a key elsewhere', () => document('uri_puk_idp_sig', 'https://idp.test.evil.test/idpSig')],
    [
      'idp.endpoint-origin',
      'a key with credentials in its address',
      () => document('uri_puk_idp_enc', 'https://x@idp.test/idpEnc'),
    ],
    ['idp.endpoint-origin', 'a key at no address', () => document('uri_puk_idp_sig', '/idpSig')],
    ['idp.endpoint-origin', 'a key over plain http', () => document('uri_puk_idp_enc', 'http://idp.test/idpEnc')],
    ['idp.sig-key', 'a key on another curve', () => ({ sigJwk: (jwk) => ({ ...jwk, crv: 'P-256' }) })],
    ['idp.sig-key', 'a good key on P-256', () => ({ sigJwk: () => publicJwk(onP256()) })],
    ['idp.sig-key', 'a point off the curve', () => ({ sigJwk: (jwk) => ({ ...jwk, y: jwk.x }) })],
    ['idp.sig-key', 'a key set in place of a key', () => ({ sigJwk: (jwk) => ({ keys: [jwk] }) })],
    [
      'idp.sig-key-role',
      'a key with a certificate of another role',
      () => ({
        sigJwk: () =>
          publicJwk(pki.vau.privateKey, {
            x5c: [pki.vau, pki.ca].map((c) => Buffer.from(c.certificate.der).toString('base64')),
          }),
      }),
    ],
    [
      'idp.sig-key-key-usage',
      'a key with a certificate that may not sign',
      () => {
        const leaf = idpLeaf({ keyUsage: [] });
        const x5c = [leaf, pki.ca].map((c) => Buffer.from(c.certificate.der).toString('base64'));
        return { sigJwk: () => publicJwk(leaf.privateKey, { x5c }) };
      },
    ],
    [
      'idp.sig-key-certificate',
      'a key that is not its certificate’s',
      () => ({
        sigJwk: (jwk) => ({
          ...jwk,
          x5c: [pki.idp, pki.ca].map((c) => Buffer.from(c.certificate.der).toString('base64')),
        }),
      }),
    ],
    ['idp.enc-key', 'no encryption key', () => ({ encJwk: () => ({}) })],
    ['idp.enc-key', 'a good encryption key on P-256', () => ({ encJwk: () => publicJwk(onP256()) })],
    ['idp.jwks-signature', 'a key set signed by another', () => ({ jwks: () => jwks({ keys: [] }, pki.vau) })],
    ['idp.jwks-format', 'a key set without keys', () => ({ jwks: () => jwks({}) })],
    [
      'idp.jwks-expired',
      'an old key set',
      () => ({ jwks: () => jwks({ keys: [], iat: NOW / 1000 - 100, exp: NOW / 1000 }) }),
    ],
    [
      'idp.jwks-not-yet',
      'a key set of tomorrow',
      () => ({ jwks: () => jwks({ keys: [], iat: NOW / 1000 + 86_400, exp: NOW / 1000 + 100_000 }) }),
    ],
    [
      'idp.sig-key',
      'a key set with a key on P-256',
      () => ({ jwks: () => jwks({ keys: [publicJwk(onP256(), { use: 'sig' })] }) }),
    ],
  ];

  const onP256 = () => generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey;
  const jwks = async (payload: Record<string, unknown>, { privateKey } = pki.idp) => {
    const peer = idpPeer(pki);
    return await peer.signed({ alg: 'BP256R1', x5c: [pki.idp, pki.ca].map(peer.base64) }, payload, privateKey);
  };

  it.each(cases)('%s: %s', async (check, _title, twist) => {
    const { authorize, signer, peer } = setUp(twist());
    expect(await refusalOf(authorize())).toBe(`IDP_UNTRUSTED ${check}`);
    expect(signer.signatures).toBe(0);
    expect(peer.seen.answered).toBe(0);
  });
});

describe('key changes (D28)', () => {
  it.each(['sig', 'enc'] as const)('a hard cut-over of the %s key costs one reload and no login', async (use) => {
    const { authorize, peer, signer } = setUp();
    await authorize();
    peer.keys[use] = peer.newKey();
    expect(await authorize()).toBe('code-2');
    expect(peer.seen.discovery).toBe(2);
    expect(signer.signatures).toBe(use === 'sig' ? 2 : 3);
  });

  it('a coming key of signed_jwks_uri is taken without a reload', async () => {
    const published: string[] = [];
    const { authorize, peer } = setUp({ jwks: () => published[0] ?? '' });
    const coming = peer.newKey();
    const jwks = {
      keys: [
        publicJwk(peer.keys.sig, { use: 'sig' }),
        publicJwk(coming, { use: 'sig' }),
        publicJwk(peer.keys.enc, { use: 'enc' }),
      ],
    };
    published.push(
      await peer.signed({ alg: 'BP256R1', x5c: [pki.idp, pki.ca].map(peer.base64) }, jwks, pki.idp.privateKey),
    );
    await authorize();
    peer.keys.sig = coming;
    expect(await authorize()).toBe('code-2');
    expect(peer.seen.discovery).toBe(1);
  });

  it('a signed_jwks_uri that is not served is done without', async () => {
    const { authorize } = setUp({ jwks: () => '', answer: (p) => (p === '/jwks' ? { status: 503 } : undefined) });
    expect(await authorize()).toBe('code-1');
  });

  it('an encryption key in signed_jwks_uri verifies no challenge', async () => {
    const published: string[] = [];
    const { authorize, peer } = setUp({ jwks: () => published[0] ?? '' });
    const coming = peer.newKey();
    const jwks = { keys: [publicJwk(coming, { use: 'enc' })] };
    published.push(
      await peer.signed({ alg: 'BP256R1', x5c: [pki.idp, pki.ca].map(peer.base64) }, jwks, pki.idp.privateKey),
    );
    await authorize();
    peer.keys.sig = coming;
    expect(await authorize()).toBe('code-2');
    expect(peer.seen.discovery).toBe(2);
    // Only the reload, which serves the new key at uri_puk_idp_sig, made it pass.
  });

  it('a refusal right after loading is final: no second try, no second signature', async () => {
    const { authorize, signer, peer } = setUp({
      answer: (p) => (p === '/sign_response' ? { status: 400, body: '{"gematik_code":"2020"}' } : undefined),
    });
    expect(await refusalOf(authorize())).toBe('IDP_REFUSED');
    expect([signer.signatures, peer.seen.discovery]).toEqual([1, 1]);
  });
});
