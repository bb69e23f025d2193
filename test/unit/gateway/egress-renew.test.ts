// An entry of the allow-list with another client certificate (CRT-11): what is asked from then on shows it, what is on its way ends over
// the connection it began with, and nothing else can be put in.
import type { ServerResponse } from 'node:http';
import { TLSSocket } from 'node:tls';
import { afterEach, expect, test } from 'vitest';
import { mintLeaf } from '../../../certs/mint.ts';
import { createEgress, EgressError } from '../../../gateway/egress.ts';
import { byAddress, client, clientRoot, egressBench, limits } from '../../support/egress-bench.ts';

const next = mintLeaf(clientRoot, { commonName: 'Next', extendedKeyUsage: ['clientAuth'] });
const { serve, close } = egressBench();
afterEach(close);

test('the new certificate is shown from then on, and what is on its way ends well', async () => {
  const held: (() => ServerResponse)[] = [];
  let arrived = () => {};
  const first = new Promise<void>((resolve) => {
    arrived = resolve;
  });
  const { origin } = await serve(
    (request, response) => {
      const shown = request.socket instanceof TLSSocket ? request.socket.getPeerX509Certificate()?.subject : undefined;
      const answer = () => response.end(/CN=(.*)/.exec(shown ?? '')?.[1]);
      if (request.url !== '/held') return void answer();
      held.push(answer);
      arrived();
    },
    { clientCa: clientRoot.certPem },
  );
  const target = (who: typeof client) => ({
    id: 'k1',
    origin,
    ca: byAddress.root.certPem,
    cert: who.certPem,
    key: who.keyPem,
  });
  const egress = createEgress({ environment: 'SIM', purposes: { konnektor: [target(client)] } });
  const ask = async (path: string) => {
    const url = `${origin}${path}`;
    const { body } = await egress.request('konnektor', { url, target: 'k1', method: 'GET', ...limits });
    return Buffer.from(body).toString();
  };
  try {
    const before = await ask('/');
    const running = ask('/held');
    await first;
    egress.renew('konnektor', target(next));
    const after = await ask('/');
    expect([before.includes('Gateway'), after.includes('Next')]).toEqual([true, true]);
    held[0]?.();
    expect(await running).toBe(before);
    expect(() => egress.renew('konnektor', { ...target(next), id: 'k2' })).toThrow(EgressError);
    expect(() => egress.renew('konnektor', { ...target(next), origin: 'https://other.example' })).toThrow(EgressError);
    expect(() => egress.renew('idp', target(next))).toThrow(EgressError);
  } finally {
    await egress.close();
  }
});
