// Control call that has a Konnektor send an event whose cause is not simulated (konnektor.md 5).
import { z } from 'zod';
import { jsonAnswer } from '../http-server.ts';
import { onDemand } from '../konnektor/certificate-events.ts';
import { emit } from '../konnektor/events.ts';
import { accept, Refusal } from '../refusal.ts';
import { EVENTS_ON_DEMAND } from '../tables/events-on-demand.ts';
import type { ControlDeps, ControlRoute } from './route.ts';

const schema = z
  .strictObject({
    topic: z.enum(Object.keys(EVENTS_ON_DEMAND)),
    /** The card it is about. */
    iccsn: z.string().min(1).max(20).optional(),
    parameters: z.record(z.string().min(1).max(64), z.string().max(5000)).optional(),
  })
  .check(({ value, issues }) => {
    const ofCard = EVENTS_ON_DEMAND[value.topic]?.ofCard !== false;
    if (ofCard === (value.iccsn !== undefined)) return;
    const message = ofCard ? 'which card it is about' : 'it is about no card';
    issues.push({ code: 'custom', message, path: ['iccsn'], input: value });
  });

export function eventRoutes({ parts }: ControlDeps): ControlRoute[] {
  return [
    {
      method: 'POST',
      path: '/sim/konnektors/{id}/events',
      run({ params, body }) {
        const konnektor = parts.world.konnektors.get(params.id ?? '');
        if (konnektor === undefined)
          throw new Refusal({ status: 404, code: 'NOT_FOUND', message: 'no such Konnektor' });
        const { topic, iccsn, parameters } = accept(schema, body());
        const card = iccsn === undefined ? undefined : konnektor.cards.get(iccsn);
        if (iccsn !== undefined && card?.cardHandle == null)
          throw new Refusal({ status: 409, code: 'CARD_NOT_READABLE', message: 'it reads no such card' });
        const event = onDemand(topic, card, parameters);
        emit(konnektor, event);
        return jsonAnswer(200, { ...event, parameters: Object.fromEntries(event.parameters) });
      },
    },
  ];
}
