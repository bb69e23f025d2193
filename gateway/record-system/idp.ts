// The authorization code for one login: challenge from the IDP, answered by the SMC-B, on the ordinary TLS way outside the
// VAU (gemSpec_IDP_Dienst, A_20665-01, A_20667-02; epa-record-system.md 2.3, export-flow.md 4.3–4.5). The record system chose
// the parameters; the challenge must repeat them and may choose nothing, least of all the IDP.
import type { KeyObject } from 'node:crypto';
import { WireError } from '../../wire/error.ts';
import { decodeJws, encryptJwe, type Jws, signJws, verifyJws } from '../../wire/jose.ts';
import type { EgressResponse } from '../egress.ts';
import { type Foreign, GatewayError } from '../errors.ts';
import type { SmcbSigner } from '../smcb-signer.ts';
import {
  CLOCK_SKEW_SECONDS,
  IdpDiscovery,
  type IdpMetadata,
  type IdpOptions,
  idpUntrusted,
  onAllowedOrigin,
  read,
} from './idp-metadata.ts';
import { asUnreachable, IDP_CODES, jsonObject, text } from './outside.ts';

export type { IdpAccess, IdpOptions } from './idp-metadata.ts';

const TIMEOUT_MS = 10_000;
const MAX_BYTES = 256 * 1024;
const CODE_MAX_LENGTH = 2000;

/** What the record system put into the Location of send_authorization_request_sc; all of it comes back in the challenge. */
type AuthorizationRequest = { url: string; parameters: URLSearchParams; redirectUri: string };
/** Claims that must be the request's own, with the check each one fails. */
const ECHOED = {
  state: 'idp.challenge-state',
  nonce: 'idp.challenge-nonce',
  client_id: 'idp.challenge-client-id',
  redirect_uri: 'idp.challenge-redirect-uri',
  code_challenge: 'idp.challenge-code-challenge',
} as const;

export class Idp {
  readonly #o: IdpOptions;
  readonly #discovery: IdpDiscovery;

  constructor(options: IdpOptions) {
    this.#o = options;
    this.#discovery = new IdpDiscovery(options);
  }

  /** Reads and judges what the IDP says of itself. IDP_UNTRUSTED with `check`, IDP_UNREACHABLE. */
  async discover(): Promise<void> {
    await this.#discovery.reload();
  }

  /** Nothing that was read before is believed any more. */
  forget(): void {
    this.#discovery.forget();
  }

  /**
   * @param location as `send_authorization_request_sc` gave it, used unchanged
   * @returns the code, valid for one minute, opaque to us
   * @throws GatewayError IDP_UNTRUSTED (`check`), IDP_REFUSED (`foreign.code` = gematik_code), IDP_UNREACHABLE, and the signer's
   */
  async authorize(location: string, signer: SmcbSigner): Promise<string> {
    const request = readLocation(location, this.#o.idp);
    const { metadata, fresh } = await this.#discovery.metadata();
    try {
      return await this.#attempt(request, metadata, signer);
    } catch (thrown) {
      // Keys may have changed under us: reload once, then a new challenge, since each serves once (D28).
      if (fresh || !mayBeOutdated(thrown)) throw thrown;
      return await this.#attempt(request, await this.#discovery.reload(), signer);
    }
  }

  async #attempt(request: AuthorizationRequest, metadata: IdpMetadata, signer: SmcbSigner): Promise<string> {
    const challenge = await this.#challenge(request);
    const jws = read('idp.challenge-format', () => decodeJws(challenge));
    this.#checkChallenge(jws, request, metadata.signatureKeys);
    // First card signature of the login. The payload is the challenge exactly as received.
    const inner = await signJws(
      { alg: 'BP256R1', typ: 'JWT', cty: 'NJWT', x5c: [Buffer.from(signer.certificateDer).toString('base64')] },
      { njwt: challenge },
      (sha256) => signer.sign(sha256),
    );
    const signedChallenge = encryptJwe({
      header: { alg: 'ECDH-ES', enc: 'A256GCM', cty: 'NJWT', exp: jws.payload.exp },
      plaintext: JSON.stringify({ njwt: inner }),
      recipient: metadata.encryptionKey,
    });
    const answer = await this.#ask({
      url: metadata.authorizationEndpoint,
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: Buffer.from(new URLSearchParams({ signed_challenge: signedChallenge }).toString()),
    });
    return readCode(answer, request);
  }

  async #challenge(request: AuthorizationRequest): Promise<string> {
    const answer = await this.#ask({ url: request.url, method: 'GET' });
    if (answer.status !== 200) throw refusal(answer);
    const challenge = text(jsonObject(answer.body)?.challenge);
    if (challenge === undefined) throw idpUntrusted('idp.challenge-format');
    return challenge;
  }

  #checkChallenge(jws: Jws, request: AuthorizationRequest, keys: readonly KeyObject[]): void {
    const { header, payload } = jws;
    if (header.alg !== 'BP256R1') throw idpUntrusted('idp.challenge-alg');
    if (!keys.some((key) => verifies(jws, key))) throw idpUntrusted('idp.challenge-signature');
    if (payload.iss !== this.#o.idp.issuer) throw idpUntrusted('idp.challenge-issuer');
    if (payload.token_type !== 'challenge') throw idpUntrusted('idp.challenge-type');
    const now = this.#o.now() / 1000;
    if (typeof payload.iat !== 'number' || payload.iat > now + CLOCK_SKEW_SECONDS)
      throw idpUntrusted('idp.challenge-not-yet');
    if (typeof payload.exp !== 'number' || payload.exp <= now) throw idpUntrusted('idp.challenge-expired');
    if (payload.response_type !== 'code') throw idpUntrusted('idp.challenge-response-type');
    if (payload.code_challenge_method !== 'S256') throw idpUntrusted('idp.challenge-code-challenge-method');
    for (const [claim, check] of Object.entries(ECHOED))
      if (payload[claim] !== request.parameters.get(claim)) throw idpUntrusted(check);
    if (scopesOf(payload.scope) !== scopesOf(request.parameters.get('scope')))
      throw idpUntrusted('idp.challenge-scope');
  }

  async #ask(call: {
    url: string;
    method: 'GET' | 'POST';
    headers?: Record<string, string>;
    body?: Uint8Array;
  }): Promise<EgressResponse> {
    return await this.#o.egress
      .request('idp', {
        ...call,
        // The IDP-Dienst refuses a request without User-Agent (export-flow.md 4.3).
        headers: { accept: 'application/json', 'user-agent': this.#o.userAgent, ...call.headers },
        timeoutMs: TIMEOUT_MS,
        maxResponseBytes: MAX_BYTES,
      })
      .catch((thrown: unknown) => {
        throw asUnreachable(thrown, IDP_CODES);
      });
  }
}

function readLocation(location: string, idp: IdpOptions['idp']): AuthorizationRequest {
  if (!onAllowedOrigin(location, idp)) throw idpUntrusted('idp.location-origin');
  const { searchParams } = new URL(location);
  const once = (name: string) => searchParams.getAll(name).length === 1 && searchParams.get(name) !== '';
  if (!Object.keys(ECHOED).every(once)) throw idpUntrusted('idp.location-parameters');
  if (searchParams.get('response_type') !== 'code' || searchParams.get('code_challenge_method') !== 'S256')
    throw idpUntrusted('idp.location-parameters');
  return { url: location, parameters: searchParams, redirectUri: searchParams.get('redirect_uri') ?? '' };
}

/** RFC 6749 3.3: words in any order. */
const scopesOf = (value: unknown): string =>
  typeof value === 'string' ? value.split(' ').filter(Boolean).sort().join(' ') : '';

function verifies(jws: Jws, key: KeyObject): boolean {
  try {
    verifyJws(jws, key);
    return true;
  } catch (thrown) {
    if (thrown instanceof WireError) return false;
    throw thrown;
  }
}

/** 302 to the record system's own redirect_uri, read and never followed. */
function readCode(answer: EgressResponse, request: AuthorizationRequest): string {
  const { location } = answer.headers;
  if (answer.status !== 302 || location === undefined) throw refusal(answer);
  const target = URL.parse(location);
  const expected = URL.parse(request.redirectUri);
  if (target === null || expected === null) throw idpUntrusted('idp.code-redirect');
  // Not by origin: those of schemes other than http are all `null`.
  if (target.protocol !== expected.protocol || target.host !== expected.host || target.pathname !== expected.pathname)
    throw idpUntrusted('idp.code-redirect');
  if (target.searchParams.has('error')) throw refusal(answer);
  const [state, ...states] = target.searchParams.getAll('state');
  if (states.length > 0 || state !== request.parameters.get('state')) throw idpUntrusted('idp.code-state');
  const [code, ...codes] = target.searchParams.getAll('code');
  if (code === undefined || code === '' || codes.length > 0 || code.length > CODE_MAX_LENGTH)
    throw idpUntrusted('idp.code-missing');
  return code;
}

/** The IDP's error, as JSON or in the query of a redirect; what carries no gematik_code and is a 5xx may pass by itself. */
function refusal(answer: EgressResponse): GatewayError {
  const query = answer.headers.location === undefined ? undefined : URL.parse(answer.headers.location)?.searchParams;
  const said = jsonObject(answer.body);
  const field = (name: string) => {
    const value = said?.[name] ?? query?.get(name);
    return typeof value === 'number' ? String(value) : text(value);
  };
  const code = field('gematik_code') ?? field('error');
  const foreign: Foreign = {
    status: answer.status,
    ...(code !== undefined && { code }),
    text: field('gematik_error_text') ?? field('error_description'),
  };
  if (code === undefined && (answer.status >= 500 || answer.status === 429))
    return new GatewayError('IDP_UNREACHABLE', 'the IDP answered with an error of its own', { foreign });
  return new GatewayError('IDP_REFUSED', 'the IDP refused the login', { foreign });
}

function mayBeOutdated(thrown: unknown): boolean {
  return (
    thrown instanceof GatewayError && (thrown.code === 'IDP_REFUSED' || thrown.check === 'idp.challenge-signature')
  );
}
