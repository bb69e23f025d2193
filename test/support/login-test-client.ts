// Signing on with an SMC-B, by a client that can say every step wrongly: for the tests of the simulator only
// (epa-record-system.md 2; export-flow.md 4).
import { sign } from 'node:crypto';
import type { Issued } from '../../certs/mint.ts';
import type { HttpAnswer } from '../../connector-sim/http-server.ts';
import type { HttpResponse } from '../../wire/http-message.ts';
import { header } from '../../wire/http-message.ts';
import { compactJws, decodeJws, encryptJwe, publicKeyFromJwk, signingInput } from '../../wire/jose.ts';
import { ask, jsonOf, type TestSim } from './sim-services.ts';
import type { TestChannel } from './vau-test-client.ts';

type Json = Record<string, unknown>;
export type LoginEdits = {
  /** signs challenge and attestation; default the demo card */
  card?: Issued;
  attestationCard?: Issued;
  query?: (query: URLSearchParams) => void;
  njwt?: (challenge: string) => string;
  jwsHeader?: Json;
  jwsPayload?: Json;
  jwsSpoiled?: boolean;
  /** In place of the inner JWS. */
  jws?: string;
  jweHeader?: Json;
  attestationHeader?: Json;
  attestationClaims?: Json;
  attestationSpoiled?: boolean;
  code?: (code: string) => string;
};

/** A compact JWS as the card makes it: SHA-256, r‖s. */
export function signedBy(card: Issued, head: Json, payload: Json, spoiled = false): string {
  const input = signingInput(head, payload);
  const signed = Buffer.from(spoiled ? `${input}x` : input);
  return compactJws(input, sign('sha256', signed, { key: card.privateKey, dsaEncoding: 'ieee-p1363' }));
}

export const x5cOf = (card: Issued): string[] => [Buffer.from(card.certificate.der).toString('base64')];

export async function discover(sim: TestSim): Promise<Json> {
  const answer = await ask(sim.idp, { url: '/.well-known/openid-configuration' });
  return decodeJws(String(answer.body)).payload;
}

/** GET of the authorization endpoint; the location is the one send_authorization_request_sc gave. */
export async function fetchChallenge(sim: TestSim, location: string, edits: LoginEdits = {}): Promise<HttpAnswer> {
  const url = new URL(location);
  edits.query?.(url.searchParams);
  return ask(sim.idp, {
    url: `${url.pathname}${url.search}`,
    headers: [
      ['Accept', 'application/json'],
      ['User-Agent', 'test'],
    ],
  });
}

/** POST of the signed challenge to the endpoint of the discovery document. */
export async function postAnswer(sim: TestSim, challenge: string, edits: LoginEdits = {}): Promise<HttpAnswer> {
  const document = await discover(sim);
  const card = edits.card ?? sim.card;
  const encJwk = jsonOf(await ask(sim.idp, { url: new URL(String(document.uri_puk_idp_enc)).pathname }));
  const head = { alg: 'BP256R1', typ: 'JWT', cty: 'NJWT', x5c: x5cOf(card), ...edits.jwsHeader };
  const payload = edits.jwsPayload ?? { njwt: edits.njwt?.(challenge) ?? challenge };
  const inner = edits.jws ?? signedBy(card, head, payload, edits.jwsSpoiled);
  const exp = decodeJws(challenge).payload.exp;
  const jwe = encryptJwe({
    header: { alg: 'ECDH-ES', enc: 'A256GCM', cty: 'NJWT', exp, ...edits.jweHeader },
    plaintext: JSON.stringify({ njwt: inner }),
    recipient: publicKeyFromJwk(encJwk),
  });
  return ask(sim.idp, {
    method: 'POST',
    url: new URL(String(document.authorization_endpoint)).pathname,
    headers: [['Content-Type', 'application/x-www-form-urlencoded']],
    body: new URLSearchParams({ signed_challenge: jwe }).toString(),
  });
}

export function locationOf(answer: { headers: readonly (readonly [string, string])[] }): URL {
  return new URL(header(answer.headers, 'location') ?? 'https://no-location.test');
}

export async function startLogin(channel: TestChannel): Promise<{ nonce: string; location: string }> {
  const nonce = String(jsonOf((await channel.exchange({ path: '/epa/authz/v1/getNonce' })).response).nonce);
  const { response } = await channel.exchange({ path: '/epa/authz/v1/send_authorization_request_sc' });
  return { nonce, location: header(response.headers, 'location') ?? '' };
}

/** The code for a login under way; throws when the IDP refuses. */
export async function obtainCode(sim: TestSim, location: string, edits: LoginEdits = {}): Promise<string> {
  const challenge = String(jsonOf(await fetchChallenge(sim, location, edits)).challenge);
  const answer = await postAnswer(sim, challenge, edits);
  const code = locationOf(answer).searchParams.get('code');
  if (code === null) throw new Error(`the IDP refused by ${answer.rule}`);
  return code;
}

export function attestation(sim: TestSim, nonce: string, edits: LoginEdits = {}): string {
  const card = edits.attestationCard ?? edits.card ?? sim.card;
  const iat = Math.floor(sim.world.now() / 1000);
  const head = { typ: 'JWT', alg: 'ES256', x5c: x5cOf(card), ...edits.attestationHeader };
  return signedBy(card, head, { nonce, iat, exp: iat + 1200, ...edits.attestationClaims }, edits.attestationSpoiled);
}

export function sendAuthCode(
  channel: TestChannel,
  body: unknown,
): Promise<{ rule: string | null; response: HttpResponse }> {
  return channel.exchange({
    method: 'POST',
    path: '/epa/authz/v1/send_authcode_sc',
    headers: [['Content-Type', 'application/json']],
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
}

/** The whole login on an open channel; answers what send_authcode_sc said. */
export async function signIn(
  sim: TestSim,
  channel: TestChannel,
  edits: LoginEdits = {},
): Promise<{ rule: string | null; response: HttpResponse }> {
  const { nonce, location } = await startLogin(channel);
  const code = await obtainCode(sim, location, edits);
  const authorizationCode = edits.code?.(code) ?? code;
  return sendAuthCode(channel, { authorizationCode, clientAttest: attestation(sim, nonce, edits) });
}
