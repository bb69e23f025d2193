// Control calls about the whole: state, reset, settings, faults, journal, operations (api.md section 4).
import { z } from 'zod';
import { jsonAnswer } from '../http-server.ts';
import { SERVICES } from '../journal.ts';
import { accept, Refusal } from '../refusal.ts';
import { checkScenario, readScenario, type Scenario, seedSchema } from '../scenario.ts';
import { cardView, terminalView } from './cards.ts';
import { konnektorView } from './konnektors.ts';
import { recordView } from './records.ts';
import type { ControlDeps, ControlRoute } from './route.ts';
import { flagOf, queryOf } from './route.ts';

/** The scenario as the text of its file, or as the same in JSON; its own faults stand below `/scenario`. */
const scenarioSchema = z
  .union([z.string(), z.record(z.string(), z.unknown())])
  .transform((given, context): Scenario => {
    try {
      return typeof given === 'string' ? readScenario(given) : checkScenario(given);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      const findings = error.findings.length > 0 ? error.findings : [{ pointer: '', message: error.message }];
      for (const { pointer, message } of findings)
        context.addIssue({ code: 'custom', message, path: pointer.split('/').slice(1) });
      return z.NEVER;
    }
  });
const resetSchema = z.strictObject({ seed: seedSchema.optional(), scenario: scenarioSchema.optional() });
export function worldRoutes({ parts, journal, settings, services, konnektors, steps }: ControlDeps): ControlRoute[] {
  const { world, faults } = parts;
  return [
    {
      method: 'GET',
      path: '/sim/state',
      run: () =>
        jsonAnswer(200, {
          now: new Date(world.now()).toISOString(),
          seed: world.seed,
          strict: parts.strict,
          choices: world.choices,
          vendors: world.vendors,
          insured: world.insured,
          records: [...world.records.values()].map(recordView),
          konnektors: [...world.konnektors.values()].map((one) => konnektorView(one, { world, listeners: konnektors })),
          terminals: [...world.konnektors.values()].flatMap((k) =>
            [...k.terminals.values()].map((t) => terminalView(k, t)),
          ),
          cards: [...world.konnektors.values()].flatMap((k) => [...k.cards.values()].map((card) => cardView(k, card))),
          signatureFormat: world.konnektor.signatureFormat,
          faults: faults.list(),
          operations: journal.operations(),
          steps: steps?.views() ?? [],
          services: Object.fromEntries(Object.entries(services).map(([name, s]) => [name, s.view?.() ?? {}])),
        }),
    },
    {
      method: 'POST',
      path: '/sim/reset',
      async run({ body }) {
        const { seed, scenario } = accept(resetSchema, body());
        // A scenario that does not fit is refused here, and the steps of the one before go on.
        world.reset(seed ?? scenario?.seed, scenario);
        steps?.stop();
        faults.clear();
        await faults.settled();
        await konnektors?.reset();
        journal.clear();
        journal.resetCounts();
        steps?.begin(scenario?.steps ?? []);
        return jsonAnswer(200, { seed: world.seed, insured: world.insured });
      },
    },
    {
      method: 'GET',
      path: '/sim/settings',
      run({ request }) {
        const query = queryOf(request, ['tls', 'webhooks', 'tsl', 'clock', 'ocsp', 'events']);
        const { tls, webhooks, tsl, clock, ocsp, events } = query;
        const flags = {
          tls: flagOf(tls, 'tls'),
          webhooks: flagOf(webhooks, 'webhooks'),
          tsl: flagOf(tsl, 'tsl'),
          clock: flagOf(clock ?? 'true', 'clock'),
          ocsp: flagOf(ocsp ?? 'true', 'ocsp'),
          events: flagOf(events, 'events'),
        };
        return jsonAnswer(200, settings(flags));
      },
    },
    { method: 'GET', path: '/sim/faults', run: () => jsonAnswer(200, faults.list()) },
    {
      method: 'POST',
      path: '/sim/faults',
      async run({ body }) {
        const added = faults.add(body());
        await faults.settled();
        return jsonAnswer(201, added);
      },
    },
    {
      method: 'DELETE',
      path: '/sim/faults',
      async run() {
        faults.clear();
        await faults.settled();
        return { status: 204, headers: [], body: '' };
      },
    },
    {
      method: 'DELETE',
      path: '/sim/faults/{id}',
      async run({ params }) {
        if (!faults.clear(params.id)) throw new Refusal({ status: 404, code: 'NOT_FOUND', message: 'no such fault' });
        await faults.settled();
        return { status: 204, headers: [], body: '' };
      },
    },
    {
      method: 'GET',
      path: '/sim/journal',
      run({ request }) {
        const { after, service } = queryOf(request, ['after', 'service']);
        const from = Number(after ?? 0);
        if (!Number.isSafeInteger(from) || from < 0) {
          throw new Refusal({ status: 400, code: 'QUERY_INVALID', message: 'after is a whole number' });
        }
        if (service !== undefined && service !== '' && !SERVICES.some((name) => name === service)) {
          const message = `service is one of ${SERVICES.join(', ')}`;
          throw new Refusal({ status: 400, code: 'QUERY_INVALID', message });
        }
        return jsonAnswer(200, journal.entries({ after: from, service: service === '' ? undefined : service }));
      },
    },
    {
      method: 'DELETE',
      path: '/sim/journal',
      run() {
        journal.clear();
        return { status: 204, headers: [], body: '' };
      },
    },
    { method: 'GET', path: '/sim/operations', run: () => jsonAnswer(200, journal.operations()) },
  ];
}
