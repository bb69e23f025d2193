// A receiver of webhooks to try them out on a laptop (api.md section 4, place `webhook` of faults): takes what comes to
// `POST /sim/webhooks/{name}`, keeps it in the journal and answers 204. The receiver `demo` knows the secret of
// `GET /sim/settings?webhooks=true` and checks the signature (Standard Webhooks 1.0.0); others check the form alone.
import { createHmac, timingSafeEqual } from 'node:crypto';
import { type HttpAnswer, type HttpRequestIn, headerOf } from '../http-server.ts';
import { underFault } from '../network-faults.ts';
import type { ControlDeps, ControlRoute } from './route.ts';

export const DEMO_RECEIVER = 'demo';
/** A receiver refuses what is older, so that a recorded message cannot be played again. */
const TOLERANCE_S = 300;

export function webhookRoutes({ parts, journal, webhookSecret }: ControlDeps): ControlRoute[] {
  return [
    {
      method: 'POST',
      path: '/sim/webhooks/{name}',
      run: async ({ request, params }) => {
        const fault = parts.faults.take('webhook');
        const secret = params.name === DEMO_RECEIVER ? webhookSecret : undefined;
        const answer = await underFault(fault, 'webhook', async () => judge(request, secret));
        const body = Buffer.from(answer.body);
        journal.record('webhook', request, { operation: 'webhook', ...answer, body });
        return answer;
      },
    },
  ];
}

function judge(request: HttpRequestIn, secret: string | undefined): HttpAnswer {
  const id = headerOf(request, 'webhook-id') ?? '';
  const timestamp = headerOf(request, 'webhook-timestamp') ?? '';
  const signatures = headerOf(request, 'webhook-signature') ?? '';
  if (id === '' || !/^[0-9]{1,12}$/.test(timestamp) || !/^v1,[^ ]+( v1,[^ ]+)*$/.test(signatures))
    return refused(400, 'webhook.headers');
  if (secret === undefined) return taken;
  // By the clock of this machine: the gateway's does not follow the simulated one.
  if (Math.abs(Date.now() / 1000 - Number(timestamp)) > TOLERANCE_S) return refused(401, 'webhook.timestamp');
  const key = Buffer.from(secret.replace(/^whsec_/, ''), 'base64');
  const mine = createHmac('sha256', key).update(`${id}.${timestamp}.`).update(request.body).digest();
  const fits = signatures.split(' ').some((one) => {
    const given = Buffer.from(one.slice('v1,'.length), 'base64');
    return given.length === mine.length && timingSafeEqual(given, mine);
  });
  return fits ? taken : refused(401, 'webhook.signature');
}

const taken: HttpAnswer = { status: 204, headers: [], body: '' };

const refused = (status: number, rule: string): HttpAnswer => ({
  status,
  headers: [['Content-Type', 'text/plain']],
  body: rule,
  rule,
});
