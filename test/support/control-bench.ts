// The control API of the simulator without its listener: a world, and calls as the listener would hand them on.
import { expect } from 'vitest';
import { createControl } from '../../connector-sim/control/control.ts';
import { Faults } from '../../connector-sim/faults.ts';
import { Journal } from '../../connector-sim/journal.ts';
import { gatewaySettings, writeWireFiles } from '../../connector-sim/settings.ts';
import { World } from '../../connector-sim/world.ts';
import { benchPki } from './konnektor-bench.ts';

const addresses = {
  konnektor: 'https://127.0.0.1:2',
  recordSystems: { 'epa-as-1': 'https://127.0.0.1:3', 'epa-as-2': 'https://127.0.0.1:4' },
  idp: 'https://127.0.0.1:5',
  control: 'http://127.0.0.1:6006',
  ocsp: 'http://127.0.0.1:7',
};

type Problem = { status: number; code: string; findings: { pointer: string; code: string; message: string }[] };
type Call = [method: string, target: string, body?: unknown, headers?: Record<string, string>];

/**
 * Seed 7, clock at 31 January 2026, unless it is about the world of another bench. `ask` sends JSON (a string body as it stands);
 * `refusal` expects a problem document.
 */
export function createControlBench(given?: { world: World; faults: Faults }) {
  const pki = benchPki();
  const world = given?.world ?? new World({ pki, seed: 7, pinEntryMs: 0, realNow: () => Date.UTC(2026, 0, 31) });
  const faults =
    given?.faults ?? new Faults({ random: () => world.random(), konnektors: () => world.konnektors.keys() });
  const journal = new Journal({ now: world.now });
  const idp = { handle: async () => ({ status: 200, headers: [], body: '' }), view: () => ({ challenges: 0 }) };
  const control = createControl({
    parts: { world, pki, faults, addresses, strict: true },
    journal,
    services: { idp },
    webhookSecret: `whsec_${Buffer.alloc(32, 7).toString('base64')}`,
    settings(o) {
      const files = writeWireFiles(pki);
      files.remove();
      return gatewaySettings({ files, addresses, gatewayPort: 18080, ...o });
    },
  });
  const ask = async (...[method, target, body, headers]: Call) => {
    const [path = '', query = ''] = target.split('?');
    const text = body === undefined ? '' : typeof body === 'string' ? body : JSON.stringify(body);
    const answer = await control({
      method,
      path,
      query: new URLSearchParams(query),
      headers: Object.entries({ host: '127.0.0.1:6006', 'content-type': 'application/json', ...headers }),
      body: Buffer.from(text),
    });
    const type = answer.headers.find(([name]) => name === 'Content-Type')?.[1] ?? '';
    const sent = Buffer.from(answer.body).toString();
    return { status: answer.status, type, json: type.includes('json') ? JSON.parse(sent) : sent };
  };
  const refusal = async (...call: Call) => {
    const answer = await ask(...call);
    expect(answer.type).toBe('application/problem+json');
    const problem = answer.json as Problem;
    return { status: answer.status, code: problem.code, at: problem.findings.map((f) => f.pointer).sort() };
  };
  return { pki, world, faults, journal, idpUrl: addresses.idp, smcb: `/sim/cards/${pki.smcb.iccsn}`, ask, refusal };
}

export type ControlBench = ReturnType<typeof createControlBench>;
