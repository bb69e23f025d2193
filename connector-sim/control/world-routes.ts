// Control calls about the whole: state, reset, settings, faults, journal, operations, clock (api.md section 4).
import { z } from 'zod';
import { jsonAnswer } from '../http-server.ts';
import { accept, Refusal } from '../refusal.ts';
import { readScenario, seedSchema } from '../scenario.ts';
import { cardView, terminalView } from './cards.ts';
import { readDuration } from './duration.ts';
import { recordView } from './records.ts';
import type { ControlDeps, ControlRoute } from './route.ts';
import { queryOf } from './route.ts';

const resetSchema = z.strictObject({ seed: seedSchema.optional(), scenario: z.string().optional() });
const clockSchema = z.union(
  [z.strictObject({ advance: z.string() }), z.strictObject({ now: z.iso.datetime({ offset: true }) })],
  {
    error: 'either {"advance": ISO 8601 duration} or {"now": date and time with offset}',
  },
);

export function worldRoutes({ parts, journal, settings, services }: ControlDeps): ControlRoute[] {
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
          insured: world.insured,
          records: [...world.records.values()].map(recordView),
          terminals: [...world.konnektor.terminals.values()].map(terminalView),
          cards: [...world.konnektor.cards.values()].map((card) => cardView(world.konnektor, card)),
          signatureFormat: world.konnektor.signatureFormat,
          faults: faults.list(),
          operations: journal.operations(),
          services: Object.fromEntries(Object.entries(services).map(([name, s]) => [name, s.view?.() ?? {}])),
        }),
    },
    {
      method: 'POST',
      path: '/sim/reset',
      run({ body }) {
        const { seed, scenario: text } = accept(resetSchema, body());
        const scenario = text === undefined ? {} : readScenario(text);
        world.reset(seed ?? scenario.seed, scenario.insured);
        faults.clear();
        journal.clear();
        journal.resetCounts();
        return jsonAnswer(200, { seed: world.seed, insured: world.insured });
      },
    },
    {
      method: 'GET',
      path: '/sim/settings',
      run({ request }) {
        const { tls } = queryOf(request, ['tls']);
        return jsonAnswer(200, settings({ tls: tls === 'true' }));
      },
    },
    { method: 'GET', path: '/sim/faults', run: () => jsonAnswer(200, faults.list()) },
    { method: 'POST', path: '/sim/faults', run: ({ body }) => jsonAnswer(201, faults.add(body())) },
    {
      method: 'DELETE',
      path: '/sim/faults',
      run() {
        faults.clear();
        return { status: 204, headers: [], body: '' };
      },
    },
    {
      method: 'DELETE',
      path: '/sim/faults/{id}',
      run({ params }) {
        if (!faults.clear(params.id)) throw new Refusal({ status: 404, code: 'NOT_FOUND', message: 'no such fault' });
        return { status: 204, headers: [], body: '' };
      },
    },
    {
      method: 'GET',
      path: '/sim/journal',
      run({ request }) {
        const { after, service } = queryOf(request, ['after', 'service']);
        const from = after === undefined ? 0 : Number(after);
        if (!Number.isSafeInteger(from) || from < 0) {
          throw new Refusal({ status: 400, code: 'QUERY_INVALID', message: 'after is a whole number' });
        }
        return jsonAnswer(200, journal.entries({ after: from, service }));
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
    {
      method: 'POST',
      path: '/sim/clock',
      run({ body }) {
        const wanted = accept(clockSchema, body());
        const ms =
          'advance' in wanted ? readDuration(wanted.advance, world.now()) : Date.parse(wanted.now) - world.now();
        if (ms < 0) throw new Refusal({ status: 409, code: 'CLOCK_BACKWARD', message: 'the clock only moves forward' });
        world.advance(ms);
        return jsonAnswer(200, { now: new Date(world.now()).toISOString() });
      },
    },
  ];
}
