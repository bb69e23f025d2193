// A record system's client by the reference alone (export-flow.md 2 to 4): location, VAU through the second implementation
// test/support/kyber-peer.ts, login with two signatures of the card. `Manner` holds what the known clients do differently.
import { createHash, randomUUID } from 'node:crypto';
import { createPeerClient, type PeerClient } from '../support/kyber-peer.ts';
import { brainpoolKey, type Card, cardJwt, certificateKey, claimsOf, encryptedAnswer, verifyJwt } from './card-jose.ts';
import { type Reply, send, type Trust } from './https-client.ts';
import { type InnerReply, innerReply, innerRequest, jsonBody } from './inner-http.ts';

export type Manner = {
  userAgent: string;
  firstCounter: bigint;
  ivCounter: 'little-endian' | 'big-endian';
  /** `x-insurantid` on every inner request, those of the login too. */
  insurantAlways: boolean;
  /** The login's pseudonym on later outer requests. */
  sendsVauNp: boolean;
  accept: string;
  /** Where the signed challenge goes: `{iss}/auth`, or the endpoint of the discovery document. */
  answersTo: 'auth' | 'discovered';
};

export type SignedOn = {
  recordSystem: string;
  vauNp: string;
  inner(o: {
    method: string;
    path: string;
    headers?: readonly (readonly [string, string])[];
    body?: Uint8Array;
  }): Promise<InnerReply>;
};

/** The first record system that says 204, asked one after the other. */
export async function locate(
  recordSystems: readonly string[],
  o: { kvnr: string; trust: Trust; manner: Manner },
): Promise<string> {
  for (const base of recordSystems) {
    const headers = { 'x-insurantid': o.kvnr, 'x-useragent': o.manner.userAgent, Accept: o.manner.accept };
    const reply = await send(`${base}/information/api/v1/ehr`, { headers, trust: o.trust });
    if (reply.status === 204) return base;
  }
  throw new Error('endpoint for KVNR not found');
}

export async function signOn(o: {
  recordSystem: string;
  kvnr: string;
  card: Card;
  trust: Trust;
  manner: Manner;
}): Promise<SignedOn> {
  const { recordSystem, manner, trust } = o;
  let vauNp = '';
  const outer = async (path: string, body: Uint8Array, contentType: string): Promise<Reply> => {
    const headers = {
      'Content-Type': contentType,
      Accept: '*/*',
      'x-useragent': manner.userAgent,
      'User-Agent': manner.userAgent,
      'Content-Length': body.length,
      ...(manner.sendsVauNp && vauNp !== '' ? { 'VAU-NP': vauNp } : {}),
    };
    return send(recordSystem + path, { method: 'POST', headers, body, trust });
  };
  const vau: PeerClient = await createPeerClient({
    post: outer,
    firstCounter: manner.firstCounter,
    ivCounter: manner.ivCounter,
    async judgeKeys(keys) {
      const path = `/CertData.${Buffer.from(keys.certHash).toString('hex')}-${keys.cdv}`;
      const data = await send(recordSystem + path, { headers: { 'x-useragent': manner.userAgent }, trust });
      if (data.status !== 200) throw new Error(`CertData: ${data.status}`);
      // the certificate stands in the CBOR as it is hashed
      const found = certificatesIn(data.body).find((der) =>
        createHash('sha256').update(der).digest().equals(Buffer.from(keys.certHash)),
      );
      if (found === undefined) throw new Error('CertData holds no certificate of this hash');
    },
  });
  const inner: SignedOn['inner'] = async ({ method, path, headers = [], body }) => {
    const all: (readonly [string, string])[] = [
      ['Host', new URL(recordSystem).host],
      ['x-useragent', manner.userAgent],
      // required by the OpenAPI of 3.1.2 and later (epa-record-system.md 1.6)
      ['X-Request-ID', randomUUID()],
      ['Accept', manner.accept],
      ...headers,
    ];
    if (manner.insurantAlways && !headers.some(([name]) => name.toLowerCase() === 'x-insurantid'))
      all.push(['x-insurantid', o.kvnr]);
    return innerReply(await vau.request(innerRequest({ method, path, headers: all, body })));
  };

  const nonce = String(
    jsonBody(await expectStatus(inner({ method: 'GET', path: '/epa/authz/v1/getNonce' }), 200)).nonce,
  );
  const redirect = await expectStatus(
    inner({ method: 'GET', path: '/epa/authz/v1/send_authorization_request_sc' }),
    302,
  );
  const code = await authorizationCode(redirect.headers.get('location') ?? '', o);
  const iat = Math.floor(Date.now() / 1000);
  const clientAttest = await cardJwt(
    { typ: 'JWT', alg: 'ES256', x5c: [o.card.certificateBase64] },
    { nonce, iat, exp: iat + 1200 },
    o.card,
  );
  const answer = await expectStatus(
    inner({
      method: 'POST',
      path: '/epa/authz/v1/send_authcode_sc',
      headers: [['Content-Type', 'application/json']],
      body: Buffer.from(JSON.stringify({ authorizationCode: code, clientAttest })),
    }),
    200,
  );
  vauNp = String(jsonBody(answer)['vau-np']);
  return { recordSystem, vauNp, inner };
}

/** Challenge, discovery, keys, answer, code (export-flow.md 4.3 to 4.5), on ordinary TLS. */
async function authorizationCode(location: string, o: { card: Card; trust: Trust; manner: Manner }): Promise<string> {
  const headers = { Accept: 'application/json', 'User-Agent': o.manner.userAgent };
  const get = (url: string) => send(url, { headers, trust: o.trust });
  const challenge = String(jsonBody(await get(location)).challenge);
  const { iss, exp } = claimsOf(challenge);
  const document = (await get(`${iss}/.well-known/openid-configuration`)).body.toString('ascii').trim();
  const [signer] = claimsOf(document, 0).x5c as string[];
  verifyJwt(document, certificateKey(signer ?? ''));
  const claims = claimsOf(document);
  for (const name of ['iat', 'exp', 'issuer', 'uri_puk_idp_enc', 'uri_puk_idp_sig', 'jwks_uri'])
    if (claims[name] === undefined) throw new Error(`discovery document without ${name}`);
  verifyJwt(challenge, brainpoolKey(jsonBody(await get(String(claims.uri_puk_idp_sig)))));
  const jwk = jsonBody(await get(String(claims.uri_puk_idp_enc)));
  const inner = await cardJwt(
    { alg: 'BP256R1', typ: 'JWT', cty: 'NJWT', x5c: [o.card.certificateBase64] },
    { njwt: challenge },
    o.card,
  );
  const body = `signed_challenge=${encodeURIComponent(encryptedAnswer({ inner, exp, jwk }))}`;
  const reply = await send(o.manner.answersTo === 'auth' ? `${iss}/auth` : String(claims.authorization_endpoint), {
    method: 'POST',
    headers: { ...headers, 'Content-Type': 'application/x-www-form-urlencoded' },
    body,
    trust: o.trust,
  });
  const code = new URL(reply.headers.location ?? 'x:').searchParams.get('code');
  if (reply.status !== 302 || code === null) throw new Error(`the IDP answered ${reply.status}`, { cause: reply });
  return code;
}

async function expectStatus(exchange: Promise<InnerReply>, status: number): Promise<InnerReply> {
  const reply = await exchange;
  if (reply.status !== status) throw new Error(`inner HTTP ${reply.status}: ${reply.body}`);
  return reply;
}

/** DER SEQUENCEs of more than 255 bytes inside CBOR byte strings. */
function certificatesIn(cbor: Buffer): Buffer[] {
  const found: Buffer[] = [];
  for (let at = cbor.indexOf('3082', 0, 'hex'); at >= 0; at = cbor.indexOf('3082', at + 1, 'hex'))
    found.push(cbor.subarray(at, at + 4 + cbor.readUInt16BE(at + 2)));
  return found;
}
