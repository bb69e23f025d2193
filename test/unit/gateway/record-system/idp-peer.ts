// A central IDP for the tests, bent where a check looks (epa-record-system.md 2.2, 2.3; export-flow.md 4.3–4.5). It judges
// the card's answer as the real one would: only a right one gets a code.
import { createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { readCertificate } from '../../../../certs/certificate.ts';
import type { Issued } from '../../../../certs/mint.ts';
import { decodeJws, decryptJwe, publicJwk, signDigest, signJws, verifyJws } from '../../../../wire/jose.ts';
import { type Answer, NOW, type Pki, type Route } from './peers.ts';

export const ISSUER = 'https://idp.test';
type Json = Record<string, unknown>;

export type IdpTwist = {
  discoverySigner?: Issued;
  discoveryKey?: KeyObject;
  discoveryHeader?: (header: Json) => Json;
  discovery?: (claims: Json) => Json;
  sigJwk?: (jwk: Json) => Json;
  encJwk?: (jwk: Json) => Json;
  jwks?: () => Promise<string> | string;
  challengeKey?: KeyObject;
  challengeHeader?: (header: Json) => Json;
  challenge?: (claims: Json) => Json;
  /** In place of the redirect with the code. */
  redirect?: (location: URL) => string;
  answer?: (path: string) => Answer | undefined;
};

export function idpPeer(pki: Pki, twist: IdpTwist = {}) {
  const newKey = () => generateKeyPairSync('ec', { namedCurve: 'brainpoolP256r1' }).privateKey;
  const keys = { sig: newKey(), enc: newKey() };
  const seen = { discovery: 0, challenges: 0, answered: 0 };
  const signed = (header: Json, claims: Json, key: KeyObject) =>
    signJws(header, claims, async (hash) => signDigest(hash, key));
  const base64 = (issued: Issued) => Buffer.from(issued.certificate.der).toString('base64');
  const jwt = (body: string): Answer => ({ status: 200, headers: { 'content-type': 'application/jwt' }, body });

  async function discovery(): Promise<Answer> {
    seen.discovery += 1;
    const claims: Json = {
      issuer: ISSUER,
      authorization_endpoint: `${ISSUER}/sign_response`,
      token_endpoint: `${ISSUER}/token`,
      uri_puk_idp_sig: `${ISSUER}/idpSig`,
      uri_puk_idp_enc: `${ISSUER}/idpEnc`,
      ...(twist.jwks && { signed_jwks_uri: `${ISSUER}/jwks` }),
      iat: NOW / 1000 - 60,
      exp: NOW / 1000 + 86_000,
    };
    const signer = twist.discoverySigner ?? pki.idp;
    const header: Json = { alg: 'BP256R1', kid: 'puk_disc_sig', x5c: [base64(signer), base64(pki.ca)] };
    return jwt(
      await signed(
        twist.discoveryHeader?.(header) ?? header,
        twist.discovery?.(claims) ?? claims,
        twist.discoveryKey ?? signer.privateKey,
      ),
    );
  }

  async function challenge(query: URLSearchParams): Promise<Answer> {
    seen.challenges += 1;
    const iat = NOW / 1000;
    const claims: Json = {
      ...Object.fromEntries(query),
      iss: ISSUER,
      iat,
      exp: iat + 180,
      token_type: 'challenge',
      jti: `${seen.challenges}`,
      snc: 's',
    };
    const header: Json = { alg: 'BP256R1', kid: 'puk_idp_sig', typ: 'JWT' };
    const compact = await signed(
      twist.challengeHeader?.(header) ?? header,
      twist.challenge?.(claims) ?? claims,
      twist.challengeKey ?? keys.sig,
    );
    return {
      status: 200,
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ challenge: compact, user_consent: {} }),
    };
  }

  /** 2030, 2013, 2020 as the IDP says them; the code when the card's answer is right. */
  function answered(form: URLSearchParams): Answer {
    const failed = (gematik_code: string, gematik_error_text: string): Answer => ({
      status: 400,
      body: JSON.stringify({ error: 'invalid_request', gematik_code, gematik_error_text }),
    });
    let jwe: ReturnType<typeof decryptJwe>;
    try {
      jwe = decryptJwe(form.get('signed_challenge') ?? '', keys.enc);
    } catch {
      return failed('2030', 'Challenge ist ungültig');
    }
    const inner = decodeJws(String(JSON.parse(Buffer.from(jwe.plaintext).toString()).njwt));
    const [x5c] = Array.isArray(inner.header.x5c) ? inner.header.x5c : [];
    verifyJws(inner, readCertificate(Buffer.from(String(x5c), 'base64')).publicKey);
    const outer = decodeJws(String(inner.payload.njwt));
    verifyJws(outer, createPublicKey(twist.challengeKey ?? keys.sig));
    if (jwe.header.cty !== 'NJWT' || jwe.header.exp !== outer.payload.exp || inner.header.cty !== 'NJWT')
      return failed('2030', 'Challenge ist ungültig');
    seen.answered += 1;
    const location = new URL(String(outer.payload.redirect_uri));
    location.searchParams.set('code', `code-${seen.answered}`);
    location.searchParams.set('state', String(outer.payload.state));
    return { status: 302, headers: { location: twist.redirect?.(location) ?? location.href } };
  }

  const route: Route = async ({ request, body }) => {
    const url = new URL(request.url);
    if (url.origin !== ISSUER) return undefined;
    const instead = twist.answer?.(url.pathname);
    if (instead !== undefined) return instead;
    const json = (jwk: Json): Answer => ({
      status: 200,
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(jwk),
    });
    switch (url.pathname) {
      case '/.well-known/openid-configuration':
        return await discovery();
      case '/idpSig': {
        const jwk = publicJwk(keys.sig, { kid: 'puk_idp_sig', use: 'sig' });
        return json(twist.sigJwk?.(jwk) ?? jwk);
      }
      case '/idpEnc': {
        const jwk = publicJwk(keys.enc, { kid: 'puk_idp_enc', use: 'enc' });
        return json(twist.encJwk?.(jwk) ?? jwk);
      }
      case '/jwks':
        return jwt((await twist.jwks?.()) ?? '');
      case '/auth':
        return await challenge(url.searchParams);
      case '/sign_response':
        return answered(new URLSearchParams(Buffer.from(body).toString()));
      default:
        return { status: 404 };
    }
  };
  return { route, seen, keys, newKey, signed, base64 };
}

/** As send_authorization_request_sc gives it. */
export function locationOf(change: Record<string, string | undefined> = {}, base = `${ISSUER}/auth`): string {
  const url = new URL(base);
  const parameters: Record<string, string | undefined> = {
    client_id: 'GEMBITMAePAe2zrxzLOR',
    response_type: 'code',
    redirect_uri: 'https://e4a.as1.test/',
    state: 'state-1',
    code_challenge: 'Zm9v',
    code_challenge_method: 'S256',
    scope: 'openid epa',
    nonce: 'nonce-1',
    ...change,
  };
  for (const [name, value] of Object.entries(parameters)) if (value !== undefined) url.searchParams.set(name, value);
  return url.href;
}
