// Control calls about the simulated clock (D17): moving it forward, which is answered when every follower has acknowledged, and
// following it (GET, held until it moves).
import { z } from 'zod';
import { LAST_NOW } from '../certificate-life.ts';
import { isDuration, readDuration } from '../duration.ts';
import { createFollowers } from '../followers.ts';
import { jsonAnswer } from '../http-server.ts';
import { tellExpirations } from '../konnektor/certificate-events.ts';
import { acceptMeant, Refusal } from '../refusal.ts';
import { renewDue } from '../renewals.ts';
import { type ControlDeps, type ControlRoute, flagOf, queryOf } from './route.ts';

const clockSchema = z
  .strictObject({
    advance: z.string().refine(isDuration, 'not an ISO 8601 duration').optional(),
    now: z.iso.datetime({ offset: true }).optional(),
    /** Default true: certificates of the TI near their end are renewed, as its operators do. */
    renew: z.boolean().optional(),
  })
  .check((checked) => {
    const { advance, now } = checked.value;
    if ((advance === undefined) !== (now === undefined)) return;
    const message = 'either {"advance": ISO 8601 duration} or {"now": date and time with offset}';
    checked.issues.push({ code: 'custom', message, path: [], input: checked.value });
  });

const invalid = (message: string) => new Refusal({ status: 400, code: 'QUERY_INVALID', message });

/** From now to where it is to go, in ms. */
function stepOf({ advance, now }: { advance?: string | undefined; now?: string | undefined }, from: number): number {
  if (advance === undefined) return now === undefined ? 0 : Date.parse(now) - from;
  return readDuration(advance, from);
}

export function clockRoutes({
  parts: { world, pki },
  trustChanged,
  followers = createFollowers(),
}: ControlDeps): ControlRoute[] {
  const view = () => ({ now: new Date(world.now()).toISOString(), offsetMs: world.offsetMs });
  return [
    {
      method: 'GET',
      path: '/sim/clock',
      async run({ request }) {
        const { follower, seen, leave } = queryOf(request, ['follower', 'seen', 'leave']);
        if (follower === undefined && seen === undefined)
          return jsonAnswer(200, { ...view(), followers: followers.count() });
        if (!/^[A-Za-z0-9-]{1,64}$/.test(follower ?? ''))
          throw invalid('follower is a name of 1 to 64 of A-Z a-z 0-9 -');
        // -1: it has seen nothing yet, and is answered at once.
        if (!/^(-1|0|[1-9][0-9]{0,8})$/.test(seen ?? '')) throw invalid('seen is the version it was told last, or -1');
        if (flagOf(leave, 'leave')) {
          followers.leave(follower ?? '');
          return jsonAnswer(200, view());
        }
        const version = await followers.follow(follower ?? '', Number(seen));
        return jsonAnswer(200, { ...view(), version });
      },
    },
    {
      method: 'POST',
      path: '/sim/clock',
      async run({ body }) {
        const wanted = acceptMeant(clockSchema, body(), (readable) => {
          const member = readable.advance === undefined ? 'now' : 'advance';
          const to = world.now() + stepOf(readable, world.now());
          const message = 'certificates can name no moment after that';
          return to <= LAST_NOW ? [] : [{ pointer: `/${member}`, code: 'too_big', message }];
        });
        const ms = stepOf(wanted, world.now());
        if (ms < 0) throw new Refusal({ status: 409, code: 'CLOCK_BACKWARD', message: 'the clock only moves forward' });
        const before = world.now();
        world.advance(ms);
        for (const konnektor of world.konnektors.values()) tellExpirations(konnektor, { before, now: world.now() });
        const renewed = wanted.renew === false ? [] : renewDue(pki, world.now());
        if (renewed.length > 0) trustChanged?.();
        const now = new Date(world.now()).toISOString();
        return jsonAnswer(200, { now, renewed, followers: await followers.moved() });
      },
    },
  ];
}
