// Control call about how a Konnektor itself is (TAB_KON_503): no VPN, TSL out of date, a fatal condition.
import { z } from 'zod';
import { jsonAnswer } from '../http-server.ts';
import { setCondition } from '../konnektor/operating-state.ts';
import { accept, Refusal } from '../refusal.ts';
import { CONDITIONS } from '../tables/operating-states.ts';
import type { ControlDeps, ControlRoute } from './route.ts';

const schema = z.strictObject(
  Object.fromEntries(Object.keys(CONDITIONS).map((name) => [name, z.boolean().optional()])),
);

export function conditionRoutes({ parts }: ControlDeps): ControlRoute[] {
  const { world } = parts;
  return [
    {
      method: 'PATCH',
      path: '/sim/konnektors/{id}/conditions',
      run({ params, body }) {
        const konnektor = world.konnektors.get(params.id ?? '');
        if (konnektor === undefined)
          throw new Refusal({ status: 404, code: 'NOT_FOUND', message: 'no such Konnektor' });
        for (const [name, holds] of Object.entries(accept(schema, body())))
          if (holds !== undefined) setCondition(konnektor, name, { holds, now: world.now() });
        const all = Object.keys(CONDITIONS).map((name) => [name, konnektor.conditions.has(name)]);
        return jsonAnswer(200, Object.fromEntries(all));
      },
    },
  ];
}
