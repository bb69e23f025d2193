// The Authorization Service of a simulated record system (I_Authorization_Service 1.6.1; epa-record-system.md 2.1, 2.4, 2.5):
// getNonce, send_authorization_request_sc, send_authcode_sc, all inside the VAU. A failed send_authcode_sc deletes the session.
import { createHash, randomBytes } from 'node:crypto';
import { z } from 'zod';
import type { HttpRequest } from '../../wire/http-message.ts';
import type { Fault } from '../faults.ts';
import { type HttpAnswer, jsonAnswer } from '../http-server.ts';
import type { Idp } from '../idp/idp.ts';
import type { SimParts } from '../parts.ts';
import type { RecordSystemId } from '../records.ts';
import { LOGIN_ROLES } from '../tables/roles.ts';
import { AuthzRefusal, invalidAuth, judgeAttestation, malformed, mismatch } from './attestation.ts';

export type User = { telematikId: string; professionOid: string; organizationName: string };

/** The user session of one VAU channel: what a login has gathered so far, and its user once it is complete. */
export type UserSession = {
  nonce: { value: string; at: number } | undefined;
  request: { state: string; nonce: string; codeVerifier: string } | undefined;
  user: (User & { since: number }) | undefined;
  /** number of the VAU instance that holds it */
  instance: number;
  /** record context by KVNR: was the user entitled when this session first touched it (EXP-24) */
  contexts: Map<string, boolean>;
};

export function createUserSession(instance: number): UserSession {
  return { nonce: undefined, request: undefined, user: undefined, contexts: new Map(), instance };
}

const NONCE_LIFE_MS = 20 * 60_000;
const authCode = z.strictObject({ authorizationCode: z.string().min(1).max(2000), clientAttest: z.string().min(1) });

export type Authz = {
  getNonce(session: UserSession, fault: Fault | undefined): HttpAnswer;
  sendAuthorizationRequest(session: UserSession, fault: Fault | undefined): HttpAnswer;
  sendAuthCode(session: UserSession, request: HttpRequest, fault: Fault | undefined): HttpAnswer;
  /** The logged-in user; undefined when there is none or the session's life is over (D12). */
  userOf(session: UserSession): User | undefined;
  /** The VAU instance this VAU-NP leads to; undefined for one nobody was given. */
  instanceOf(vauNp: string): number | undefined;
};

export function createAuthz(parts: SimParts & { id: RecordSystemId; idp: Idp }): Authz {
  const { world, pki, id, idp, addresses } = parts;
  const clientId = `SIM${id.replaceAll('-', '')}`;
  const redirectUri = () => `${addresses.recordSystems[id]}/authz/callback`;
  const scope = `openid ePA-${id}`;
  idp.registerClient({ clientId, redirectUri, scope });
  // VAU-NP is of a user at an instance: who is known at two of them holds two, each leading to its own.
  const pseudonyms = new Map<string, { telematikId: string; instance: number }>();
  world.onReset(() => pseudonyms.clear());

  function userOf(session: UserSession): User | undefined {
    if (session.user !== undefined && world.now() - session.user.since >= world.choices.sessionLifeMs) clear(session);
    return session.user;
  }

  function getNonce(session: UserSession, fault: Fault | undefined): HttpAnswer {
    if (world.release().nonceRefusedWhenAuthorised && userOf(session) !== undefined)
      return refusalAnswer(mismatch('authz.already-authorised'));
    session.nonce = { value: randomBytes(32).toString('hex'), at: world.now() };
    if (fault?.kind !== 'wrong-claim') return jsonAnswer(200, { nonce: session.nonce.value });
    return jsonAnswer(200, fault.params?.what === 'missing' ? {} : { nonce: 'no nonce' });
  }

  function sendAuthorizationRequest(session: UserSession, fault: Fault | undefined): HttpAnswer {
    if (userOf(session) !== undefined) return refusalAnswer(mismatch('authz.already-authorised'));
    const request = {
      state: randomBytes(16).toString('base64url'),
      nonce: randomBytes(24).toString('base64url'),
      codeVerifier: randomBytes(48).toString('base64url'),
    };
    session.request = request;
    const location = new URL(idp.authorizationEndpoint());
    const query = {
      client_id: clientId,
      response_type: 'code',
      redirect_uri: redirectUri(),
      state: request.state,
      code_challenge: createHash('sha256').update(request.codeVerifier).digest('base64url'),
      code_challenge_method: 'S256',
      scope,
      nonce: request.nonce,
    };
    for (const [name, value] of Object.entries(query)) location.searchParams.set(name, value);
    const named =
      fault?.kind === 'wrong-claim' ? wrongLocation(String(fault.params?.what ?? 'origin'), location) : location.href;
    return { status: 302, headers: named === undefined ? [] : [['Location', named]], body: '' };
  }

  function sendAuthCode(session: UserSession, request: HttpRequest, fault: Fault | undefined): HttpAnswer {
    try {
      const user = login(session, request);
      clear(session); // the nonce is discarded: an attestation opens one session only
      const what = fault?.kind === 'wrong-claim' ? (fault.params?.what ?? 'actor') : undefined;
      if (what !== 'no-session') session.user = { ...user, since: world.now() };
      const more = world.profileOf(id).userInLogin
        ? { actorId: user.telematikId, displayName: user.organizationName }
        : {};
      const vauNp = pseudonymOf(user.telematikId, session.instance);
      return jsonAnswer(200, { 'vau-np': vauNp, ...more, ...(what === 'actor' && { actorId: '9-OTHER-DIGA-0001' }) });
    } catch (error) {
      clear(session);
      if (error instanceof AuthzRefusal) return refusalAnswer(error);
      throw error;
    }
  }

  function pseudonymOf(telematikId: string, instance: number): string {
    for (const [vauNp, of] of pseudonyms) if (of.telematikId === telematikId && of.instance === instance) return vauNp;
    const vauNp = randomBytes(world.profileOf(id).vauNpDigits / 2).toString('hex');
    pseudonyms.set(vauNp, { telematikId, instance });
    return vauNp;
  }

  function login(session: UserSession, request: HttpRequest): User {
    const body = readBody(request);
    if (userOf(session) !== undefined) throw mismatch('authz.already-authorised');
    const { nonce, request: started } = session;
    if (nonce === undefined) throw mismatch('authz.no-nonce');
    if (world.now() - nonce.at > NONCE_LIFE_MS) throw mismatch('authz.nonce-outdated');
    const attested = judgeAttestation({
      clientAttest: body.clientAttest,
      nonce: nonce.value,
      pki,
      at: world.now(),
      expiryChecked: world.release().attestationExpiryChecked,
    });
    if (started === undefined) throw invalidAuth('authz.no-request');
    const token = idp.redeem({
      code: body.authorizationCode,
      clientId,
      redirectUri: redirectUri(),
      codeVerifier: started.codeVerifier,
    });
    if (token === null) throw invalidAuth('authz.code');
    if (token.nonce !== started.nonce) throw invalidAuth('authz.id-token-nonce');
    if (!LOGIN_ROLES.has(token.professionOid)) throw invalidAuth('authz.role');
    // attestation and ID token by the same SMC-B: a certificate of another card does not do
    if (token.telematikId !== attested.telematikId) throw invalidAuth('authz.telematik-id');
    return {
      telematikId: token.telematikId,
      professionOid: token.professionOid,
      organizationName: token.organizationName,
    };
  }

  const instanceOf = (vauNp: string) => pseudonyms.get(vauNp)?.instance;
  return { getNonce, sendAuthorizationRequest, sendAuthCode, userOf, instanceOf };
}

function clear(session: UserSession): void {
  Object.assign(session, createUserSession(session.instance));
}

function readBody(request: HttpRequest): z.infer<typeof authCode> {
  const type = request.headers.find(([name]) => name.toLowerCase() === 'content-type')?.[1] ?? '';
  if (type.split(';')[0]?.trim().toLowerCase() !== 'application/json') throw malformed('authz.content-type');
  try {
    return authCode.parse(JSON.parse(Buffer.from(request.body).toString('utf8')));
  } catch {
    throw malformed('authz.schema');
  }
}

export function refusalAnswer(refusal: AuthzRefusal): HttpAnswer {
  return jsonAnswer(refusal.status, { errorCode: refusal.errorCode }, { rule: refusal.rule });
}

/** 'origin': the way to an IDP that was not agreed; 'plain': without TLS; 'parameters': no state; 'missing': no Location. */
function wrongLocation(what: string, location: URL): string | undefined {
  if (what === 'missing') return undefined;
  if (what === 'parameters') {
    const bare = new URL(location);
    bare.searchParams.delete('state');
    return bare.href;
  }
  return what === 'plain'
    ? location.href.replace('https:', 'http:')
    : `https://idp.example.invalid${location.pathname}${location.search}`;
}
