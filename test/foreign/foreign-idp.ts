// An IDP-Dienst by the reference alone (epa-record-system.md 2.2, 2.3; export-flow.md 4.3 to 4.5), in the manners of the real one
// and of ref-idp: paths, keys with and without certificate, order of parameters, a code of the greatest length.
import {
  createDecipheriv,
  createECDH,
  createHash,
  createPublicKey,
  type KeyObject,
  randomBytes,
  sign,
  verify,
  X509Certificate,
} from 'node:crypto';
import { claimsOf, type Json } from './card-jose.ts';
import { type Asked, type Listening, type Served, serve } from './tls-server.ts';

export type IdpManner = {
  /** `/auth` for both (the real IDP), or `/sign_response` for the answer (ref-idp). */
  answersAt: '/auth' | '/sign_response';
  keysWithCertificate: boolean;
  codeLength: number;
  codeFirst: boolean;
  signedJwks: boolean;
};
export type Idp = Listening & { paths: string[]; issued: Set<string> };
export type Signer = { certificateDer: Uint8Array; privateKey: KeyObject };

const b64u = (value: string | Uint8Array) => Buffer.from(value).toString('base64url');

export function jwt(header: Json, claims: Json, key: KeyObject): string {
  const input = `${b64u(JSON.stringify(header))}.${b64u(JSON.stringify(claims))}`;
  return `${input}.${b64u(sign('sha256', Buffer.from(input), { key, dsaEncoding: 'ieee-p1363' }))}`;
}

function jwkOf(key: KeyObject, more: Json): Json {
  const point = createPublicKey(key).export({ format: 'der', type: 'spki' }).subarray(-64);
  return {
    kid: more.kid,
    use: more.use,
    kty: 'EC',
    crv: 'BP-256',
    x: b64u(point.subarray(0, 32)),
    y: b64u(point.subarray(32)),
    ...more,
  };
}

export async function startIdp(o: {
  tls: { cert: string; key: string };
  signer: Signer;
  manner: IdpManner;
  /** Whom the codes belong to. */
  onCode: (code: string, telematikId: string) => void;
  now: () => number;
  /** The IDP whose second address this is: its issuer and its challenges. */
  as?: Idp;
}): Promise<Idp> {
  const { signer, manner } = o;
  const paths: string[] = [];
  const enc = createECDH('brainpoolP256r1');
  const encPoint = enc.generateKeys();
  const encJwk = {
    kid: 'puk_idp_enc',
    use: 'enc',
    kty: 'EC',
    crv: 'BP-256',
    x: b64u(encPoint.subarray(1, 33)),
    y: b64u(encPoint.subarray(33)),
  };
  const x5c = [Buffer.from(signer.certificateDer).toString('base64')];
  const issued = o.as?.issued ?? new Set<string>();
  let origin = o.as?.origin ?? '';

  const discovery = () => {
    const iat = Math.floor(o.now() / 1000);
    const claims: Json = {
      authorization_endpoint: origin + manner.answersAt,
      auth_pair_endpoint: `${origin}/alt_response`,
      sso_endpoint: `${origin}/sso_response`,
      uri_pair: `${origin}/pairings`,
      token_endpoint: `${origin}/token`,
      uri_disc: `${origin}/.well-known/openid-configuration`,
      issuer: origin,
      jwks_uri: `${origin}/certs`,
      exp: iat + 86_400,
      iat,
      uri_puk_idp_enc: `${origin}/certs/puk_idp_enc`,
      uri_puk_idp_sig: `${origin}/certs/puk_idp_sig`,
      ...(manner.signedJwks && { signed_jwks_uri: `${origin}/certs.jws` }),
      subject_types_supported: ['pairwise'],
      id_token_signing_alg_values_supported: ['BP256R1'],
      response_types_supported: ['code'],
      scopes_supported: ['openid', 'ePA-ibm1', 'ePA-bmt-rt'],
      response_modes_supported: ['query'],
      grant_types_supported: ['authorization_code'],
      acr_values_supported: ['gematik-ehealth-loa-high'],
      token_endpoint_auth_methods_supported: ['none'],
      code_challenge_methods_supported: ['S256'],
    };
    return jwt({ alg: 'BP256R1', kid: 'puk_disc_sig', x5c }, claims, signer.privateKey);
  };
  const sigJwk = () =>
    jwkOf(signer.privateKey, { kid: 'puk_idp_sig', use: 'sig', ...(manner.keysWithCertificate && { x5c }) });

  const challenge = (query: URLSearchParams): Served => {
    const iat = Math.floor(o.now() / 1000);
    const named = (name: string) => query.get(name);
    const claims: Json = {
      iss: origin,
      response_type: named('response_type'),
      snc: randomBytes(16).toString('hex'),
      code_challenge_method: named('code_challenge_method'),
      token_type: 'challenge',
      nonce: named('nonce'),
      client_id: named('client_id'),
      scope: named('scope'),
      state: named('state'),
      redirect_uri: named('redirect_uri'),
      exp: iat + 180,
      iat,
      code_challenge: named('code_challenge'),
      jti: randomBytes(8).toString('hex'),
    };
    const compact = jwt({ alg: 'BP256R1', typ: 'JWT', kid: 'puk_idp_sig' }, claims, signer.privateKey);
    issued.add(compact);
    const consent = { requested_scopes: { openid: 'Zugriff auf den ID-Token.' }, requested_claims: { idNummer: 'Id' } };
    return json(200, { challenge: compact, user_consent: consent });
  };

  const answered = (body: string): Served => {
    const [head = '', , iv = '', sealed = '', tag = ''] = (
      new URLSearchParams(body).get('signed_challenge') ?? ''
    ).split('.');
    const header = claimsOf(head, 0);
    const epk = header.epk as Json;
    const point = Buffer.concat([Buffer.of(4), ...[epk.x, epk.y].map((n) => Buffer.from(String(n), 'base64url'))]);
    const number = (n: number) => Buffer.from([0, 0, n >> 8, n & 0xff]);
    const info = [number(7), Buffer.from('A256GCM'), number(0), number(0), number(256)];
    const key = createHash('sha256')
      .update(Buffer.concat([number(1), enc.computeSecret(point), ...info]))
      .digest();
    const cipher = createDecipheriv('aes-256-gcm', key, Buffer.from(iv, 'base64url')).setAAD(Buffer.from(head));
    cipher.setAuthTag(Buffer.from(tag, 'base64url'));
    const plain = Buffer.concat([cipher.update(Buffer.from(sealed, 'base64url')), cipher.final()]);
    const inner = String((JSON.parse(plain.toString('utf8')) as Json).njwt);
    const [certificate] = claimsOf(inner, 0).x5c as string[];
    const [h = '', p = '', s = ''] = inner.split('.');
    const card = new X509Certificate(Buffer.from(certificate ?? '', 'base64'));
    const fits = verify(
      'sha256',
      Buffer.from(`${h}.${p}`),
      { key: card.publicKey, dsaEncoding: 'ieee-p1363' },
      Buffer.from(s, 'base64url'),
    );
    const text = String(claimsOf(inner).njwt);
    const asked = claimsOf(text);
    if (!fits || !issued.delete(text) || header.exp !== asked.exp || header.cty !== 'NJWT')
      return json(400, {
        error: 'access_denied',
        gematik_code: '2013',
        gematik_error_text: 'Der Request ist nicht gültig signiert',
      });
    const code = b64u(randomBytes(manner.codeLength)).slice(0, manner.codeLength);
    o.onCode(code, certificate ?? '');
    const query = [`code=${code}`, `state=${encodeURIComponent(String(asked.state))}`];
    if (!manner.codeFirst) query.reverse();
    return {
      status: 302,
      headers: { Location: `${asked.redirect_uri}?${query.join('&')}`, 'Cache-Control': 'no-store' },
    };
  };

  const listening = await serve(o.tls, ({ method, path, query, headers, body }: Asked): Served => {
    paths.push(`${method} ${path}`);
    if (headers['user-agent'] === undefined)
      return json(400, { error: 'invalid_request', gematik_error_text: 'User Agent fehlt' });
    if (path === '/.well-known/openid-configuration')
      return { status: 200, headers: { 'Content-Type': 'application/jwt;charset=UTF-8' }, body: `${discovery()}\n` };
    if (path === '/certs/puk_idp_sig') return json(200, sigJwk());
    if (path === '/certs/puk_idp_enc') return json(200, encJwk);
    if (path === '/certs.jws') {
      const keys = [sigJwk(), encJwk];
      const jws = jwt(
        { alg: 'BP256R1', kid: 'puk_disc_sig', typ: 'JWT', x5c },
        { iss: origin, keys },
        signer.privateKey,
      );
      return { status: 200, headers: { 'Content-Type': 'application/jwt' }, body: jws };
    }
    if (method === 'GET' && path === '/auth') return challenge(new URLSearchParams(query));
    if (method === 'POST' && path === manner.answersAt) return answered(body.toString('utf8'));
    return { status: 404 };
  });
  origin = o.as?.origin ?? listening.origin;
  return { ...listening, paths, issued };
}

export function json(status: number, value: unknown): Served {
  return { status, headers: { 'Content-Type': 'application/json;charset=UTF-8' }, body: JSON.stringify(value) };
}
