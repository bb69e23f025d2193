// The simulated Konnektor: routes a request to connector.sds or to the service at its path. Mutual TLS is the listener's
// business (konnektor-doors.ts); what comes through its TLS door is of a client whose certificate the Konnektor's CA issued.
import { serialize } from '../../wire/xml.ts';
import type { HttpAnswer, HttpHandler, HttpRequestIn } from '../http-server.ts';
import { underFault } from '../network-faults.ts';
import type { SimParts, SimService } from '../parts.ts';
import type { ServiceKey } from '../tables/konnektor-profiles.ts';
import { authSignatureService } from './auth-signature-service.ts';
import { cardService } from './card-service.ts';
import { cardTerminalService } from './card-terminal-service.ts';
import { certificateChecks } from './certificate-checks.ts';
import { certificateService } from './certificate-service.ts';
import { FIRST_KONNEKTOR } from './default-konnektor.ts';
import { eventService } from './event-service.ts';
import { dressed, mannersOf } from './manners.ts';
import { pinOperations } from './pin-service.ts';
import { isPlainServed, konnektorProfile, serviceAt, serviceDirectory } from './sds.ts';
import { answerSoap, type KonnektorParts, type Operation, soapRefusal } from './soap-endpoint.ts';
import { subscriptionOperations } from './subscription-service.ts';
import { refusalOf, refusedByStatus } from './transport.ts';

const operations: Readonly<Record<ServiceKey | 'extra', readonly Operation[]>> = {
  // listed only: every call of theirs is a fault 4000
  extra: [],
  EventService: [...eventService, ...subscriptionOperations],
  CardService: [...cardService, ...pinOperations],
  CardTerminalService: cardTerminalService,
  CertificateService: [...certificateService, ...certificateChecks],
  AuthSignatureService: authSignatureService,
};

/** Where a Konnektor's services are called; without `plain` over TLS alone. */
export type KonnektorAddresses = { tls: string; plain?: string };

/**
 * `id` names the Konnektor of the world, `addresses` what its directory says; those of the first one unless said. `handlePlain`
 * answers what came over plain HTTP.
 */
export function createKonnektor(
  parts: SimParts,
  id = FIRST_KONNEKTOR,
  addresses: () => KonnektorAddresses = () => ({ tls: parts.addresses.konnektor }),
): SimService & { handlePlain: HttpHandler } {
  const answer = async (request: HttpRequestIn, door: 'tls' | 'plain'): Promise<HttpAnswer> => {
    const konnektor = parts.world.konnektors.get(id);
    if (konnektor === undefined) return plain(503, 'no such Konnektor');
    parts.cetp?.follow(konnektor);
    const own: KonnektorParts = { ...parts, konnektor };
    const profile = konnektorProfile(own);
    const manners = mannersOf(own);
    const { transport } = konnektor;
    const why = refusalOf(request, konnektor, door);
    if (why !== null) {
      const isSoap = request.method === 'POST' && serviceAt({ profile, manners }, request.path) !== undefined;
      return isSoap && transport.refusedAs === 'fault' ? soapRefusal(4204, own) : refusedByStatus(why);
    }
    if (request.path === '/connector.sds') {
      if (request.method !== 'GET') return plain(405, 'GET only');
      const fault = parts.faults.take('konnektor.connector.sds', { konnektor: id });
      const bases = addresses();
      const directory = serviceDirectory({
        profile,
        manners,
        base: bases.tls,
        plainBase: isPlainServed(own) ? bases.plain : undefined,
        now: parts.world.now(),
        security: {
          tlsMandatory: !isPlainServed(own),
          clientAuthentication: transport.authentication !== 'none',
        },
      });
      return underFault(fault, 'connector.sds', async () => ({
        status: 200,
        headers: [['Content-Type', 'text/xml; charset=utf-8']],
        body: dressed(serialize(directory), manners),
        operation: 'connector.sds',
      }));
    }
    const service = serviceAt({ profile, manners }, request.path);
    if (service === undefined) return plain(404, 'no such service');
    return answerSoap(request, operations[service.key], {
      ...own,
      cardService82: service.cardService82,
      revision: service.version,
    });
  };
  return {
    handle: async (request) => ({ ...(await answer(request, 'tls')), konnektor: id }),
    handlePlain: async (request) => ({ ...(await answer(request, 'plain')), konnektor: id }),
  };
}

function plain(status: number, text: string): HttpAnswer {
  return {
    status,
    headers: [['Content-Type', 'text/plain']],
    body: text,
    operation: 'http',
    rule: `konnektor: ${text}`,
  };
}
