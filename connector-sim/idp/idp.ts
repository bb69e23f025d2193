// The simulated IDP-Dienst for smart cards (gemSpec_IDP_Dienst; epa-record-system.md 2.2, 2.3): discovery, keys, challenge,
// signed answer. Codes are redeemed by the simulated record systems through a function instead of POST /token
// (docs/divergences.md). Faults: docs/faults.md.
import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { decryptJweDirect, encryptJweDirect, publicJwk } from '../../wire/jose.ts';
import type { Fault } from '../faults.ts';
import { type HttpAnswer, type HttpRequestIn, headerOf, jsonAnswer } from '../http-server.ts';
import { underFault } from '../network-faults.ts';
import type { SimParts, SimService } from '../parts.ts';
import { type Identity, judgeAnswer } from './answer.ts';
import { type Challenge, createChallenge, type IdpClient, IdpRefusal, readAuthorizationRequest } from './challenge.ts';
import { discoveryDocument, type IdpPaths, pukDocument, signedJwks } from './idp-keys.ts';
import { createRotation } from './rotation.ts';

const CODE_LIFE_MS = 60_000;
/** export-flow.md 4.5: a code has at most 2000 characters. */
const CODE_LIMIT = 2000;

/** Where the real IDP-Dienst stands: one client in production posts there without asking (export-flow.md 4.5), so both are served. */
const REAL_IDP_PATH = '/auth';

/** What the ID token says; `nonce` is the one of the authorization request. */
export type IdToken = Identity & { nonce: string };

export type Idp = SimService & {
  /** The address clients are sent to; `issuer` is where the IDP stands. */
  authorizationEndpoint(): string;
  registerClient(client: IdpClient): void;
  /** Redeems a code as POST /token does: single use, one minute, PKCE S256. null = refused. */
  redeem(o: { code: string; clientId: string; redirectUri: string; codeVerifier: string }): IdToken | null;
  /** D28, hard cut-over: from now on other keys than those clients may still hold. */
  rotateKeys(): void;
};

export function createIdp(parts: SimParts): Idp {
  const { world, pki, faults, addresses } = parts;
  const clients = new Map<string, IdpClient>();
  const challenges = new Map<string, Challenge>();
  const redeemed = new Set<string>();
  const rotation = createRotation(parts);
  /** seals the codes, which are opaque to everybody else */
  const codeKey = randomBytes(32);
  world.onReset(() => {
    challenges.clear();
    redeemed.clear();
  });

  function discovery(fault: Fault | undefined): HttpAnswer {
    const body = discoveryDocument({
      issuer: addresses.idp,
      paths: rotation.paths(),
      pki,
      signer: rotation.discoverySigner(),
      announces: rotation.coming() !== undefined,
      now: world.now(),
      fault,
    });
    return jwtAnswer(body);
  }

  function puk(use: 'sig' | 'enc', fault: Fault | undefined): HttpAnswer {
    return jsonAnswer(200, pukDocument({ keys: rotation.keys(), use, pki, now: world.now(), fault }));
  }

  function jwks(): HttpAnswer {
    const one = (use: 'sig' | 'enc') =>
      pukDocument({ keys: rotation.keys(), use, pki, now: world.now(), fault: undefined });
    const disc = publicJwk(pki.idpSigner.certificate.publicKey, { kid: 'puk_disc_sig', use: 'sig' });
    return jsonAnswer(200, { keys: [one('sig'), one('enc'), disc] });
  }

  function announced(): HttpAnswer {
    const coming = rotation.coming();
    if (coming === undefined) return { status: 404, headers: [], body: '', rule: 'idp.path' };
    const keys = [rotation.keys().sig, coming];
    return jwtAnswer(signedJwks({ keys, signer: rotation.discoverySigner(), now: world.now() }));
  }

  function challenge(request: HttpRequestIn, fault: Fault | undefined): HttpAnswer {
    if ((headerOf(request, 'user-agent') ?? '') === '') {
      throw new IdpRefusal({
        rule: 'idp.user-agent',
        code: '1001',
        error: 'invalid_request',
        text: 'User Agent fehlt',
      });
    }
    const authorization = readAuthorizationRequest(request.query, clients);
    const made = createChallenge({
      issuer: addresses.idp,
      request: authorization,
      keys: rotation.keys(),
      now: world.now(),
      fault,
    });
    for (const [compact, old] of challenges) if (old.exp < world.now() / 1000 - 600) challenges.delete(compact);
    challenges.set(made.compact, made);
    const consent = {
      requested_scopes: { [authorization.scope]: 'Zugriff auf die ePA' },
      requested_claims: { idNummer: 'Telematik-ID' },
    };
    return jsonAnswer(200, { challenge: made.compact, user_consent: consent });
  }

  function answer(request: HttpRequestIn, fault: Fault | undefined): HttpAnswer {
    const type = (headerOf(request, 'content-type') ?? '').split(';')[0]?.trim().toLowerCase();
    const form = new URLSearchParams(Buffer.from(request.body).toString('utf8'));
    const [signedChallenge, ...more] = form.getAll('signed_challenge');
    if (type !== 'application/x-www-form-urlencoded' || signedChallenge === undefined || more.length > 0) {
      throw new IdpRefusal({
        rule: 'idp.form',
        code: '2030',
        error: 'invalid_request',
        text: 'signed_challenge fehlt',
      });
    }
    if (fault?.kind === 'idp-error') {
      const code = String(fault.params?.code ?? '1500');
      throw new IdpRefusal({ rule: 'fault', code, error: 'server_error', text: 'simuliert' });
    }
    const find = (compact: string) => challenges.get(compact);
    const accepted = judgeAnswer({
      signedChallenge,
      encKeys: rotation.encKeys().map((enc) => enc.privateKey),
      pki,
      now: world.now(),
      find,
    });
    const { redirectUri, state } = accepted.challenge.request;
    const what = fault?.kind === 'wrong-claim' ? String(fault.params?.what ?? 'state') : undefined;
    if (what === 'error')
      return redirect(redirectUri, { error: 'access_denied', gematik_code: '2020', ...stamp('simuliert'), state });
    const location: Record<string, string> = { code: issueCode(accepted.challenge, accepted.identity), state };
    if (what === 'state') location.state = 'another-state';
    if (what === 'no-state') delete location.state;
    if (what === 'no-code') delete location.code;
    if (what === 'long-code') location.code = `${location.code}${'A'.repeat(CODE_LIMIT)}`;
    return redirect(what === 'redirect-uri' ? 'https://record.example.invalid/' : redirectUri, location);
  }

  function issueCode(source: Challenge, identity: Identity): string {
    const { request } = source;
    const exp = Math.floor((world.now() + CODE_LIFE_MS) / 1000);
    const { clientId, redirectUri, codeChallenge, nonce } = request;
    const plaintext = JSON.stringify({
      ...identity,
      clientId,
      redirectUri,
      codeChallenge,
      nonce,
      jti: randomUUID(),
      exp,
    });
    const header = { alg: 'dir', enc: 'A256GCM', cty: 'NJWT', kid: '0001', exp };
    return encryptJweDirect({ header, plaintext, key: codeKey });
  }

  function redeem(o: { code: string; clientId: string; redirectUri: string; codeVerifier: string }): IdToken | null {
    let claims: Record<string, unknown>;
    try {
      claims = JSON.parse(Buffer.from(decryptJweDirect(o.code, codeKey).plaintext).toString('utf8')) as Record<
        string,
        unknown
      >;
    } catch {
      return null;
    }
    const text = (name: string): string => String(claims[name] ?? '');
    if (redeemed.has(text('jti')) || Number(claims.exp) <= world.now() / 1000) return null;
    redeemed.add(text('jti'));
    const s256 = createHash('sha256').update(o.codeVerifier).digest('base64url');
    if (text('clientId') !== o.clientId || text('redirectUri') !== o.redirectUri || text('codeChallenge') !== s256)
      return null;
    return {
      telematikId: text('telematikId'),
      professionOid: text('professionOid'),
      organizationName: text('organizationName'),
      nonce: text('nonce'),
    };
  }

  async function handle(request: HttpRequestIn): Promise<HttpAnswer> {
    const route = routeOf(request);
    if (route !== undefined) rotation.arrives(route.operation);
    if (route === undefined || routeOf(request) === undefined)
      return { status: 404, headers: [], body: '', rule: 'idp.path' };
    const fault = faults.take(route.operation);
    const answered = await underFault(fault, route.operation, async () => {
      try {
        return route.act(fault);
      } catch (error) {
        if (error instanceof IdpRefusal) return refusalAnswer(error);
        throw error;
      }
    });
    return { operation: route.operation, ...answered };
  }

  function routeOf(
    request: HttpRequestIn,
  ): { operation: string; act: (fault: Fault | undefined) => HttpAnswer } | undefined {
    const { path } = request;
    if (request.method === 'GET' && path === '/.well-known/openid-configuration')
      return { operation: 'idp.discovery', act: discovery };
    const at = (name: keyof IdpPaths) => rotation.served().some((paths) => paths[name] === path);
    if (request.method === 'GET' && at('pukSig'))
      return { operation: 'idp.puk_idp_sig', act: (fault) => puk('sig', fault) };
    if (request.method === 'GET' && at('pukEnc'))
      return { operation: 'idp.puk_idp_enc', act: (fault) => puk('enc', fault) };
    if (request.method === 'GET' && at('jwks')) return { operation: 'idp.jwks', act: jwks };
    if (request.method === 'GET' && at('signedJwks')) return { operation: 'idp.jwks', act: announced };
    if (!at('authorization') && path !== REAL_IDP_PATH) return undefined;
    if (request.method === 'GET') return { operation: 'idp.challenge', act: (fault) => challenge(request, fault) };
    return request.method === 'POST' ? { operation: 'idp.auth', act: (fault) => answer(request, fault) } : undefined;
  }

  function refusalAnswer(refusal: IdpRefusal): HttpAnswer {
    const body = { error: refusal.error, gematik_code: refusal.gematikCode, ...stamp(refusal.message) };
    if (refusal.redirect === undefined) return jsonAnswer(400, body, { rule: refusal.rule });
    const { uri, state } = refusal.redirect;
    return { ...redirect(uri, state === '' ? body : { ...body, state }), rule: refusal.rule };
  }

  function stamp(text: string) {
    const timestamp = String(Math.floor(world.now() / 1000));
    return { gematik_timestamp: timestamp, gematik_uuid: randomUUID(), gematik_error_text: text };
  }

  return {
    handle,
    redeem,
    authorizationEndpoint: () => addresses.idp + rotation.paths().authorization,
    registerClient: (client) => void clients.set(client.clientId, client),
    rotateKeys: rotation.rotateKeys,
    view: () => ({ paths: rotation.paths(), challenges: challenges.size, ...rotation.view() }),
  };
}

const jwtAnswer = (body: string): HttpAnswer => ({
  status: 200,
  headers: [['Content-Type', 'application/jwt']],
  body,
});

function redirect(uri: string, query: Record<string, string>): HttpAnswer {
  const location = new URL(uri);
  for (const [name, value] of Object.entries(query)) location.searchParams.set(name, value);
  return { status: 302, headers: [['Location', location.href]], body: '' };
}
