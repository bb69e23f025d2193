// PIN operations on the admin listener (KON-07, KON-08; api.md section 3): state of the PIN, and verify, change, unblock, each begun by
// an operator and answered with where its end can be read. The PIN is typed at the terminal; no call takes one.
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { readQuery } from '../api/list-query.ts';
import { RequestError } from '../api/problem.ts';
import type { Cards } from '../cards/cards.ts';
import { needsConfirm, PinRefusal } from '../cards/pin-operations.ts';
import type { PinKind, PinRow } from '../cards/pin-rows.ts';
import { catalogue } from '../errors.ts';
import { absentCard } from './absent-card.ts';
import { type ByIccsn, type CallerOf, iccsnOf, readBody } from './cards.ts';

/** Where the card is plugged at several, or reached under several Mandanten, each with a PIN session of its own. */
const konnektor = z.string().min(1).max(64).optional();
const orderBody = z.strictObject({ confirm: z.boolean().default(false), konnektor });
const stateQuery = z.strictObject({ konnektor });

/** `callerOf` authenticates and demands one of the roles. */
export function registerPin(admin: FastifyInstance, o: { cards: Cards; now: () => number }, callerOf: CallerOf): void {
  const { pins } = o.cards;

  admin.get<ByIccsn>('/admin/v1/cards/:iccsn/pin', async (request) => {
    callerOf(request, 'operator');
    const { iccsn } = iccsnOf(request);
    const asked = { iccsn, ...readQuery(stateQuery, request.query) };
    const { card, pin } = await pins.pin(asked).catch(async (thrown: unknown) => {
      throw await absentCard(thrown, { cards: o.cards, ...asked });
    });
    const latest = await pins.latest(iccsn);
    return {
      iccsn,
      konnektor: card.konnektor,
      ...pinView(pin),
      ...(pin.state === 'verifiable' &&
        needsConfirm(pin.leftTries) && { warning: catalogue.PIN_CONFIRM_NEEDED.remedy }),
      operation: latest === undefined ? null : operationView(latest),
    };
  });

  const order = (kind: PinKind) => async (request: FastifyRequest<ByIccsn>, reply: FastifyReply) => {
    const caller = callerOf(request, 'operator');
    const { iccsn } = iccsnOf(request);
    const { confirm, konnektor } = readBody(orderBody, request);
    const by = { actor: { kind: 'operator' as const, id: caller.id }, requestId: request.id };
    try {
      const row = await pins.start({ kind, iccsn, konnektor, confirm, by });
      return reply.code(202).header('location', locationOf(row.id)).send(operationView(row));
    } catch (thrown) {
      throw thrown instanceof PinRefusal
        ? refusalOf(thrown)
        : await absentCard(thrown, { cards: o.cards, iccsn, konnektor });
    }
  };
  admin.post<ByIccsn>('/admin/v1/cards/:iccsn/pin/verify', order('verify'));
  admin.post<ByIccsn>('/admin/v1/cards/:iccsn/pin/change', order('change'));
  admin.post<ByIccsn>('/admin/v1/cards/:iccsn/pin/unblock', order('unblock'));

  admin.get<{ Params: { id: string } }>('/admin/v1/pin-operations/:id', async (request) => {
    callerOf(request, 'operator');
    const row = await pins.read(request.params.id);
    if (row === undefined) throw new RequestError('NOT_FOUND', 'there is no such operation');
    return operationView(row);
  });
}

const locationOf = (id: string) => `/admin/v1/pin-operations/${id}`;
const pinView = ({ state, leftTries, code }: { state: string; leftTries: number | null; code: string | null }) => ({
  state,
  leftTries,
  code,
});

/** What runs, or the state that does not fit, stands in the answer, so that nobody has to ask twice. */
function refusalOf({ code, message, pin, running, cause }: PinRefusal): RequestError {
  return new RequestError(code, message, {
    cause,
    members: {
      ...(pin !== undefined && { pin: pinView(pin) }),
      ...(running !== undefined && { operation: operationView(running) }),
    },
    headers: running === undefined ? {} : { location: locationOf(running.id) },
  });
}

/**
 * `state`: running; ended, with its result; unknown: cut off, and never begun again by itself. `heldUntil`: the card takes no other
 * entry before, since the terminal may still ask for this one.
 */
function operationView(row: PinRow) {
  return {
    id: row.id,
    iccsn: row.iccsn,
    kind: row.kind,
    konnektor: row.konnektor,
    diga: row.diga,
    state: row.code === 'PIN_OUTCOME_UNKNOWN' ? 'unknown' : row.open === 1 ? 'running' : 'ended',
    result: row.result,
    leftTries: row.left_tries,
    code: row.code,
    remedy: row.code === null ? null : catalogue[row.code].remedy,
    // gematik's code, as the Konnektor gave it (ILF VSDM-A_3069).
    konnektorCode: row.trace,
    askedBy: row.asked_by,
    since: new Date(row.asked_at).toISOString(),
    heldUntil: row.open === 1 ? new Date(row.lease_until).toISOString() : null,
    endedAt: row.ended_at === null ? null : new Date(row.ended_at).toISOString(),
  };
}
