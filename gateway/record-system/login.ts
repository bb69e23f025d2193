// The whole sign-on of an SMC-B to a record system, told in order (I_Authorization_Service 1.6.1; gemSpec_Aktensystem_
// ePAfuerAlle ch. 3.15; epa-record-system.md 2, export-flow.md 4; SES-01). Two card signatures: challenge and attestation.
// A code or nonce that came too late costs one fresh channel and one more login, never a loop.
import { type HttpResponse, header } from '../../wire/http-message.ts';
import { signJws } from '../../wire/jose.ts';
import { GatewayError } from '../errors.ts';
import type { SmcbSigner } from '../smcb-signer.ts';
import type { Idp } from './idp.ts';
import { type Clock, foreignOf, type Json, jsonObject, text } from './outside.ts';
import { type ChannelOptions, type InnerRequest, VauChannel } from './vau-channel.ts';

const ATTESTATION_SECONDS = 20 * 60;

export type LoginOptions = {
  channel: ChannelOptions;
  idp: Idp;
  signer: SmcbSigner;
  now: Clock;
  /** A channel stands, whatever becomes of it. */
  onHandshake?: () => void;
  /** A login has ended well; not where VAU-NP or a 409 spared it. */
  onLogin?: () => void;
};

/**
 * A channel on which the Telematik-ID of `signer` is signed on.
 * GatewayError: those of VauChannel.open, Idp.authorize and the signer; RECORD_LOGIN_REFUSED, RECORD_BUSY, SESSION_LOST.
 */
export async function openSignedOnChannel(o: LoginOptions): Promise<VauChannel> {
  try {
    return await openOnce(o);
  } catch (thrown) {
    if (!startsAnew(thrown)) throw thrown;
    return await openOnce(o);
  }
}

async function openOnce(o: LoginOptions): Promise<VauChannel> {
  const channel = await VauChannel.open(o.channel);
  o.onHandshake?.();
  try {
    await signOn(channel, o);
    return channel;
  } catch (thrown) {
    // The server deletes the user session with any failure of send_authcode_sc; so do we.
    channel.close();
    throw thrown;
  }
}

async function signOn(channel: VauChannel, { idp, signer, now, onLogin }: LoginOptions): Promise<void> {
  // A_25143: the VAU may know this user already, by VAU-NP.
  if (await signedOn(channel, signer.telematikId)) return;

  // A_24881: the nonce of this session, for the client attestation only; never for the IDP.
  const nonced = await call(channel, 'getNonce', { method: 'GET' });
  // From 3.1.3 on the 409 of the next call, "already authorised", comes here.
  if (nonced.status === 409 && (await signedOn(channel, signer.telematikId))) return;
  const nonce = text(expected('getNonce', nonced, 200).nonce) ?? '';
  if (!/^[0-9a-fA-F]{64}$/.test(nonce)) throw unreadable('getNonce');

  // The authorization request is the record system's own; its code_verifier stays there.
  const redirect = await call(channel, 'send_authorization_request_sc', { method: 'GET' });
  if (redirect.status === 409 && (await signedOn(channel, signer.telematikId))) return;
  if (redirect.status !== 302) throw refused('send_authorization_request_sc', redirect);
  const location = header(redirect.headers, 'location');
  if (location === undefined) throw unreadable('send_authorization_request_sc');

  // Outside the VAU (A_20663-01 ff.): first signature. The code lives one minute, so everything after it follows at once.
  const authorizationCode = await idp.authorize(location, signer);

  // A_24590, A_25444-01: alg says ES256 although the key lies on brainpoolP256r1. Second signature.
  const iat = Math.floor(now() / 1000);
  const clientAttest = await signJws(
    { typ: 'JWT', alg: 'ES256', x5c: [Buffer.from(signer.certificateDer).toString('base64')] },
    { nonce, iat, exp: iat + ATTESTATION_SECONDS },
    (sha256) => signer.sign(sha256),
  );
  const authorized = await ask(
    channel,
    'send_authcode_sc',
    {
      method: 'POST',
      headers: [['Content-Type', 'application/json']],
      body: Buffer.from(JSON.stringify({ authorizationCode, clientAttest })),
    },
    200,
  );

  // A_24757: the pseudonym steers later messages to the VAU instance that holds this session.
  const pseudonym = text(authorized['vau-np']);
  if (pseudonym !== undefined && /^[0-9a-fA-F]{1,128}$/.test(pseudonym)) channel.pseudonym = pseudonym;

  // EXP-26: the session is that of the DiGA whose documents it will carry.
  const actorId = text(authorized.actorId) ?? signer.telematikId;
  if (actorId !== signer.telematikId || !(await signedOn(channel, signer.telematikId))) throw otherUser();
  onLogin?.();
}

/** `User-Authentication` of VAU-Status: "None", or a text that contains the Telematik-ID. Another user's is an error. */
export async function signedOn(channel: Pick<VauChannel, 'request'>, telematikId: string): Promise<boolean> {
  const answer = await exchange(channel, { method: 'GET', path: '/VAU-Status', headers: JSON_ACCEPTED });
  const user = text(jsonObject(answer.body)?.['User-Authentication']);
  if (answer.status !== 200) throw refused('VAU-Status', answer);
  if (user === undefined) throw unreadable('VAU-Status');
  if (user.trim().toLowerCase() === 'none') return false;
  if (!names(user, telematikId)) throw otherUser();
  return true;
}

/** As a whole word: 9-1 is not found in 9-12. */
function names(user: string, telematikId: string): boolean {
  for (let at = user.indexOf(telematikId); at >= 0; at = user.indexOf(telematikId, at + 1)) {
    const around = `${user[at - 1] ?? ' '}${user[at + telematikId.length] ?? ' '}`;
    if (!/[A-Za-z0-9._-]/.test(around)) return true;
  }
  return false;
}

const JSON_ACCEPTED = [['Accept', 'application/json']] as const;

type Operation = 'getNonce' | 'send_authorization_request_sc' | 'send_authcode_sc';
type Call = { method: 'GET' | 'POST'; headers?: InnerRequest['headers']; body?: Uint8Array };

function call(channel: VauChannel, operation: Operation, { method, headers = [], body }: Call): Promise<HttpResponse> {
  const path = `/epa/authz/v1/${operation}`;
  return exchange(channel, { method, path, headers: [...JSON_ACCEPTED, ...headers], ...(body && { body }) });
}

async function ask(channel: VauChannel, operation: Operation, request: Call, status: number): Promise<Json> {
  return expected(operation, await call(channel, operation, request), status);
}

function expected(operation: Operation, answer: HttpResponse, status: number): Json {
  if (answer.status !== status) throw refused(operation, answer);
  const said = jsonObject(answer.body);
  if (said === undefined) throw unreadable(operation);
  return said;
}

/** Nothing is written during a login, so an exchange without an answer is simply its own reason. */
async function exchange(channel: Pick<VauChannel, 'request'>, request: InnerRequest): Promise<HttpResponse> {
  try {
    return await channel.request(request);
  } catch (thrown) {
    throw thrown instanceof GatewayError && thrown.code === 'WRITE_UNANSWERED' && thrown.cause !== undefined
      ? thrown.cause
      : thrown;
  }
}

function refused(operation: string, answer: HttpResponse): GatewayError {
  const foreign = foreignOf(answer);
  if (answer.status >= 500 || answer.status === 429)
    return new GatewayError('RECORD_BUSY', `${operation}: the record system has an internal error`, { foreign });
  return new GatewayError('RECORD_LOGIN_REFUSED', `${operation}: the record system refused`, { foreign });
}

/** What is missing in an answer that is not what the interface says. */
const UNREADABLE = {
  'VAU-Status': 'login.vau-status',
  getNonce: 'login.nonce',
  send_authorization_request_sc: 'login.location',
  send_authcode_sc: 'login.authcode',
} as const;

const unreadable = (operation: keyof typeof UNREADABLE): GatewayError =>
  new GatewayError('RECORD_BUSY', `${operation}: the answer is not what the interface says`, {
    check: UNREADABLE[operation],
  });

const otherUser = (): GatewayError =>
  new GatewayError('RECORD_LOGIN_REFUSED', 'the session belongs to another Telematik-ID', {
    check: 'session.telematik-id',
  });

/** SES-01: 403 and 409 (nonce or session outdated) and a channel lost on the way are worth one fresh handshake. */
function startsAnew(thrown: unknown): boolean {
  if (!(thrown instanceof GatewayError)) return false;
  if (thrown.code === 'SESSION_LOST') return true;
  return thrown.code === 'RECORD_LOGIN_REFUSED' && (thrown.foreign?.status === 403 || thrown.foreign?.status === 409);
}
