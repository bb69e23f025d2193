// Konnektors, terminals and cards on the admin listener (api.md section 3), as they were last seen; `?fresh=true` looks first. The
// change of a card (KON-09) and its activation checklist (KON-10). No call here prompts anybody: that is pin.ts.
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { Caller, Role } from '../api/authentication.ts';
import { readJson } from '../api/json-body.ts';
import { readQuery } from '../api/list-query.ts';
import { RequestError } from '../api/problem.ts';
import type { Cards } from '../cards/cards.ts';
import type { Settings } from '../config.ts';

export type CallerOf = (request: FastifyRequest, ...roles: Role[]) => Caller;
export type ByIccsn = { Params: { iccsn: string } };

const freshQuery = z.strictObject({ fresh: z.enum(['true', 'false']).optional() });

/** `callerOf` authenticates and demands one of the roles. */
export function registerCards(
  admin: FastifyInstance,
  o: { cards: Cards; settings: Pick<Settings, 'digas'> },
  callerOf: CallerOf,
): void {
  const { cards } = o;
  const looked = async (request: FastifyRequest, ...roles: Role[]) => {
    callerOf(request, ...roles);
    const { fresh } = readQuery(freshQuery, request.query);
    await (fresh === 'true' ? cards.fresh() : cards.watch.begun);
  };

  admin.get('/admin/v1/konnektors', async (request) => {
    await looked(request, 'operator', 'monitor');
    return { konnektors: cards.konnektors() };
  });
  admin.get('/admin/v1/terminals', async (request) => {
    await looked(request, 'operator', 'monitor');
    return { terminals: cards.terminals() };
  });
  admin.get('/admin/v1/cards', async (request) => {
    await looked(request, 'operator');
    const digas = cards.watch.digas().map(({ since, ...one }) => ({ ...one, since: new Date(since).toISOString() }));
    return { cards: cards.cards(), digas };
  });

  admin.post<ByIccsn>('/admin/v1/cards/:iccsn/use', async (request) => {
    const caller = callerOf(request, 'operator');
    const { iccsn } = iccsnOf(request);
    const body = readBody(z.strictObject({ diga: z.string().min(1).max(64).optional() }), request);
    const telematikId = cards.cards().find((card) => card.iccsn === iccsn)?.telematikId;
    const [only] =
      o.settings.digas.length === 1 ? o.settings.digas : o.settings.digas.filter((d) => d.telematikId === telematikId);
    const diga = body.diga ?? only?.id;
    if (diga === undefined)
      throw new RequestError(
        'CARD_CHANGE_REFUSED',
        `card ${iccsn}: it has the Telematik-ID of no DiGA, or that is not known`,
      );
    await cards.use({ iccsn, diga, by: { actor: { kind: 'operator', id: caller.id }, requestId: request.id } });
    return { diga, iccsn };
  });

  admin.get<ByIccsn>('/admin/v1/cards/:iccsn/activation', async (request) => {
    callerOf(request, 'operator');
    return cards.activation(iccsnOf(request).iccsn);
  });
}

/** 20 digits (CARDCMN:ICCSN). NOT_FOUND for anything else: it names no card. */
export function iccsnOf(request: FastifyRequest<ByIccsn>): { iccsn: string } {
  const { iccsn } = request.params;
  if (!/^\d{20}$/.test(iccsn)) throw new RequestError('NOT_FOUND', 'there is no such card');
  return { iccsn };
}

/** A body of JSON as its schema says; none is an empty object. BODY_INVALID, EXPORT_INVALID with findings. */
export function readBody<Schema extends z.ZodType>(schema: Schema, request: FastifyRequest): z.output<Schema> {
  const bytes = request.body instanceof Uint8Array ? request.body : new Uint8Array();
  const parsed = schema.safeParse(bytes.length === 0 ? {} : readJson(bytes));
  if (parsed.success) return parsed.data;
  throw new RequestError('EXPORT_INVALID', 'the body is not as this call takes it', {
    findings: parsed.error.issues.flatMap((issue) => {
      const path = issue.path.map(String);
      const names = issue.code === 'unrecognized_keys' ? issue.keys.map((key) => [...path, key]) : [path];
      return names.map((name) => ({
        pointer: name.map((one) => `/${one}`).join(''),
        path: name.join('.'),
        code: issue.code,
        message: issue.code === 'unrecognized_keys' ? 'is no member of this call' : 'has a wrong value',
      }));
    }),
  });
}
