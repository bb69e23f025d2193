// Control calls about Konnektors (api.md section 4): several in one world, each switched off, on, restarted, of another vendor.
import { z } from 'zod';
import { jsonAnswer } from '../http-server.ts';
import { FIRST_KONNEKTOR } from '../konnektor/default-konnektor.ts';
import type { KonnektorListeners } from '../konnektor/konnektor-listeners.ts';
import type { KonnektorState } from '../konnektor/model.ts';
import { accept, Refusal } from '../refusal.ts';
import { konnektorSeedSchema, konnektorVendorSchema } from '../scenario.ts';
import type { World } from '../world.ts';
import type { ControlDeps, ControlRoute } from './route.ts';

const addedSchema = konnektorSeedSchema.partial({ id: true });
const changeSchema = z.strictObject({
  running: z.boolean().optional(),
  restart: z.literal(true).optional(),
  profile: konnektorVendorSchema.optional(),
});

export function konnektorView(
  konnektor: KonnektorState,
  o: { world: World; listeners: KonnektorListeners | undefined },
): Record<string, unknown> {
  const { id, vendor, cards, terminals } = konnektor;
  return {
    id,
    url: o.listeners?.url(id) ?? '',
    running: o.listeners?.isRunning(id) ?? false,
    profile: vendor ?? o.world.choices.konnektorVendor,
    terminals: [...terminals.keys()],
    cards: [...cards.keys()],
  };
}

export function konnektorRoutes({ parts, journal, settings, konnektors }: ControlDeps): ControlRoute[] {
  const { world } = parts;
  const found = (id: string | undefined): KonnektorState => {
    const konnektor = world.konnektors.get(id ?? '');
    if (konnektor === undefined) throw new Refusal({ status: 404, code: 'NOT_FOUND', message: 'no such Konnektor' });
    return konnektor;
  };
  /** With `access`: what a gateway's configuration says below `konnektors`. */
  const view = (konnektor: KonnektorState) => ({
    ...konnektorView(konnektor, { world, listeners: konnektors }),
    startedAt: new Date(konnektor.startedAt).toISOString(),
    access: settings().konnektors.find((one) => one.id === konnektor.id) ?? null,
    operations: journal.seenByKonnektor(konnektor.id),
  });
  return [
    { method: 'GET', path: '/sim/konnektors', run: () => jsonAnswer(200, [...world.konnektors.values()].map(view)) },
    {
      method: 'POST',
      path: '/sim/konnektors',
      async run({ body }) {
        const { id = freeId(world), ...seed } = accept(addedSchema, body());
        if (world.konnektors.has(id))
          throw new Refusal({ status: 409, code: 'KONNEKTOR_EXISTS', message: 'there is a Konnektor of that id' });
        const added = world.addKonnektor({ id, ...seed });
        await konnektors?.follow();
        return jsonAnswer(201, view(added));
      },
    },
    {
      method: 'PATCH',
      path: '/sim/konnektors/{id}',
      async run({ params, body }) {
        const konnektor = found(params.id);
        const { running, restart, profile } = accept(changeSchema, body());
        if (running !== undefined && restart === true) {
          const message = 'either running or restart';
          throw new Refusal({ status: 422, code: 'BODY_INVALID', message });
        }
        if (profile !== undefined) konnektor.vendor = profile;
        if (running === false) await konnektors?.switchOff(konnektor.id);
        if (running === true) await konnektors?.switchOn(konnektor.id);
        if (restart === true) await konnektors?.restart(konnektor.id);
        return jsonAnswer(200, view(konnektor));
      },
    },
    {
      method: 'DELETE',
      path: '/sim/konnektors/{id}',
      async run({ params }) {
        const { id } = found(params.id);
        if (id === FIRST_KONNEKTOR)
          throw new Refusal({ status: 409, code: 'KONNEKTOR_FIRST', message: 'the first Konnektor stays' });
        world.konnektors.delete(id);
        await konnektors?.follow();
        return { status: 204, headers: [], body: '' };
      },
    },
  ];
}

function freeId(world: World): string {
  let n = world.konnektors.size + 1;
  while (world.konnektors.has(`k${n}`)) n += 1;
  return `k${n}`;
}
