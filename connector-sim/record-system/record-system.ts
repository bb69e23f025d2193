// One simulated record system (epa-record-system.md 0): outside the VAU the record status, CertData and the VAU itself;
// inside it VAU-Status, the login and the document service; everything else is refused as documented (EXP-02).
import { type HttpRequest, header } from '../../wire/http-message.ts';
import type { Fault } from '../faults.ts';
import { type HttpAnswer, type HttpRequestIn, headerOf, jsonAnswer } from '../http-server.ts';
import type { Idp } from '../idp/idp.ts';
import { underFault } from '../network-faults.ts';
import type { SimParts, SimService } from '../parts.ts';
import type { RecordSystemId } from '../records.ts';
import { worded } from '../tables/vendors.ts';
import { createVauServer, type OpenChannel, USER_AGENT } from '../vau/vau-server.ts';
import { type Authz, createAuthz, createUserSession, type UserSession } from './authz.ts';
import { createDocuments, DOCUMENT_PATH } from './documents.ts';
import { recordRefusal } from './record-status.ts';

type Route = { operation: string; act: (fault: Fault | undefined) => HttpAnswer | Promise<HttpAnswer>; at?: string };

export type RecordSystem = SimService & {
  /** Forgets every channel and session. */
  forget(): void;
};

export function createRecordSystem(parts: SimParts & { id: RecordSystemId; idp: Idp }): RecordSystem {
  const { id, world, faults, strict } = parts;
  const authz = createAuthz(parts);
  const documents = createDocuments(parts);
  const vau = createVauServer<UserSession>({
    id,
    world,
    faults,
    createSession: createUserSession,
    instanceOf: authz.instanceOf,
    inner: async (request, channel) => detailed(await inner(request, channel)),
  });

  async function handle(request: HttpRequestIn): Promise<HttpAnswer> {
    const answered = await (vau.handle(request) ?? outside(request));
    return { ...answered, chunked: world.profileOf(id).outerBody === 'chunked' };
  }

  async function outside(request: HttpRequestIn): Promise<HttpAnswer> {
    if (request.path === '/information/api/v1/ehr') return detailed(await information(request));
    return { status: 404, headers: [], body: '', rule: 'http.path' };
  }

  /** A JSON error as this vendor says it. */
  function detailed(answer: HttpAnswer): HttpAnswer {
    const details = world.profileOf(id).wording.errorDetail;
    if (details === null || answer.status < 400 || typeof answer.body !== 'string' || !isJson(answer)) return answer;
    const said = JSON.parse(answer.body) as { errorCode: string; errorDetail?: string };
    const errorDetail = said.errorDetail ?? details[said.errorCode];
    return errorDetail === undefined ? answer : { ...answer, body: JSON.stringify({ ...said, errorDetail }) };
  }

  /** getRecordStatus: TLS only, no VAU, no login. */
  async function information(request: HttpRequestIn): Promise<HttpAnswer> {
    const operation = 'information.ehr';
    const kvnr = headerOf(request, 'x-insurantid') ?? '';
    const fault = faults.take(operation, { recordSystem: id, kvnr });
    const act = async (): Promise<HttpAnswer> => {
      if (request.method !== 'GET') return { status: 405, headers: [], body: '', rule: 'http.method' };
      if (!USER_AGENT.test(headerOf(request, 'x-useragent') ?? ''))
        return jsonAnswer(400, { errorCode: 'malformedRequest' }, { rule: 'information.useragent' });
      const status = recordRefusal(world.records, id, kvnr);
      return 'answer' in status ? status.answer : { status: 204, headers: [], body: '' };
    };
    const answered = await underFault(fault, operation, act, world.profileOf(id).infrastructure);
    return { ...answered, operation };
  }

  /** The request inside a frame. `x-useragent` is required on each (SES-03); X-Request-ID by the REST services of later releases. */
  async function inner(request: HttpRequest, channel: OpenChannel<UserSession>): Promise<HttpAnswer> {
    if (!USER_AGENT.test(header(request.headers, 'x-useragent') ?? '')) return malformed('inner.useragent');
    if (header(request.headers, 'host') === undefined) return malformed('inner.host');
    const path = request.path.split('?')[0] ?? '';
    if (
      strict &&
      world.release().requestIdDemanded &&
      REST.test(path) &&
      !UUID.test(header(request.headers, 'X-Request-ID') ?? '')
    )
      return malformed('inner.request-id');
    const routes = routesAt(path, request, channel);
    if (routes === undefined) return jsonAnswer(404, { errorCode: 'noResource' }, { rule: 'inner.path' });
    const route = routes[request.method];
    if (route === undefined) return jsonAnswer(405, { errorCode: 'malformedRequest' }, { rule: 'inner.method' });
    const fault = route.at === undefined ? undefined : faults.take(route.at, { recordSystem: id });
    const answered = await underFault(fault, route.operation, async () => route.act(fault));
    return { operation: route.operation, ...answered };
  }

  function routesAt(
    path: string,
    request: HttpRequest,
    channel: OpenChannel<UserSession>,
  ): Record<string, Route> | undefined {
    const { session } = channel;
    switch (path) {
      case '/VAU-Status':
        return { GET: { operation: 'VAU-Status', at: 'vau.status', act: () => vauStatus(authz, channel) } };
      case '/epa/authz/v1/getNonce':
        return { GET: { operation: 'getNonce', at: 'authz.getNonce', act: (fault) => authz.getNonce(session, fault) } };
      case '/epa/authz/v1/send_authorization_request_sc': {
        const operation = 'send_authorization_request_sc';
        return {
          GET: { operation, at: `authz.${operation}`, act: (fault) => authz.sendAuthorizationRequest(session, fault) },
        };
      }
      case '/epa/authz/v1/send_authcode_sc': {
        const operation = 'send_authcode_sc';
        return {
          POST: { operation, at: `authz.${operation}`, act: (fault) => authz.sendAuthCode(session, request, fault) },
        };
      }
      case DOCUMENT_PATH:
        return { POST: { operation: 'ITI-41', act: () => documents.handle(request, authz.userOf(session), session) } };
      default:
        return FORBIDDEN.test(path) ? refusedToDiga(path, authz.userOf(session) !== undefined) : undefined;
    }
  }

  /** A_25143; names as the OpenAPI of gematik's client has them. */
  function vauStatus(service: Authz, channel: OpenChannel<UserSession>): HttpAnswer {
    const user = service.userOf(channel.session);
    const says = world.profileOf(id).userAuthentication;
    return jsonAnswer(200, {
      'VAU-Type': 'epa',
      'VAU-Version': '2',
      'User-Authentication': user === undefined ? says.nobody : worded(says.user, user.telematikId),
      KeyID: Buffer.from(channel.data.k2.KeyID).toString('hex'),
      'Connection-Start': String(Math.floor(channel.openedAt / 1000)),
    });
  }

  return {
    handle,
    forget: vau.forget,
    view: () => ({ channels: vau.channels() }),
  };
}

/** Services with an OpenAPI, inside the VAU. */
const REST = /^\/epa\/(authz|basic)\//;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** Operations of the record system that are not a DiGA's: entitlements, blocked users, consents (I_Entitlement_Management). */
const FORBIDDEN = /^\/epa\/basic\/api\/v1\/(ps\/entitlements|entitlements|blockedusers|consents)(\/|$)/;

function refusedToDiga(path: string, loggedIn: boolean): Record<string, Route> {
  const act = (): HttpAnswer =>
    loggedIn
      ? jsonAnswer(403, { errorCode: 'invalidOid' }, { rule: 'inner.role' })
      : jsonAnswer(403, { errorCode: 'invalAuth' }, { rule: 'inner.session' });
  const route = { operation: path, act };
  return { GET: route, POST: route, PUT: route, DELETE: route };
}

function isJson(answer: HttpAnswer): boolean {
  return headerOf(answer, 'content-type') === 'application/json' && answer.rule !== 'fault';
}

function malformed(rule: string): HttpAnswer {
  return jsonAnswer(400, { errorCode: 'malformedRequest' }, { rule });
}
