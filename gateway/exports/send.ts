// ITI-41 of one export, seen from the house: opens the sealed content chunk by chunk onto the wire (D8) and makes `sent`
// durable before the first byte leaves (EXP-04, D9).
import { asGatewayError, GatewayError } from '../errors.ts';
import type { DigaSettings } from '../tables/settings-manifest.ts';
import { openContent, openValue } from '../vault/seal.ts';
import { stretchOf } from './calendar.ts';
import { type Claim, markSent } from './claims.ts';
import { readContentKey } from './key-store.ts';
import type { OpenSession, WriteOutcome } from './ports.ts';
import type { DocumentRow } from './schema.ts';
import { readChunk } from './store.ts';
import { type House, step, type Trip } from './trip.ts';

/** ITI-41. The export is marked sent, durably, before the first byte leaves (EXP-04). */
export async function send<S extends OpenSession>(
  claim: Claim,
  house: House<S>,
  trip: Trip,
  o: { session: S; kvnr: string; diga: DigaSettings; version: number; replaces: string | null },
): Promise<WriteOutcome> {
  const { row, document } = claim;
  if (row.wrapped_key === null) throw new GatewayError('STORE_BROKEN', 'the content of this export is no longer held');
  const key = await readContentKey(house.db, house.vault, row);
  const times = serviceTimes(key, document);
  let broken: GatewayError | undefined;
  async function* chunks(): AsyncGenerator<Uint8Array> {
    try {
      await house.checkpoint?.('write.content');
      yield* openContent(key, `${row.id}/${document.part}`, (n) => readChunk(house.db, row.id, document.part, n));
    } catch (thrown) {
      broken = asGatewayError(thrown);
      throw thrown;
    }
  }
  const write = () =>
    house.outer.write(o.session, {
      kvnr: o.kvnr,
      entryUuid: document.entry_uuid,
      uniqueId: document.unique_id,
      replaces: o.replaces,
      mimeType: document.mime_type,
      title: `Export ${o.diga.name}`,
      author: { telematikId: o.diga.telematikId, digaName: o.diga.name, manufacturer: o.diga.manufacturer },
      creationTime: new Date(document.creation_time),
      ...times,
      content: { length: document.bytes, chunks },
      beforeFirstByte: async () => {
        const steps = trip.steps.splice(0);
        const { recordSystem } = o.session;
        const sent = { version: o.version, replaces: o.replaces, recordSystem, at: house.now(), steps };
        await markSent(house.db, claim, sent, house.checkpoint);
        trip.sent = true;
        trip.left = true;
        document.version = o.version;
        document.replaces = o.replaces;
      },
      afterLastByte: async () => house.checkpoint?.('write.left'),
      repeat: row.unanswered > 0,
    });
  try {
    const outcome = await step(house, claim, trip, 'answered', write);
    await house.checkpoint?.('write.answered');
    if (outcome.kind === 'no-answer') {
      house.health.unanswered({ diga: row.diga, recordSystem: o.session.recordSystem }, row.id);
      house.log.warn('answer lost', { export: row.id, code: outcome.error.code, check: outcome.error.check });
    }
    if (broken === undefined) return outcome;
  } catch (thrown) {
    if (broken === undefined) throw thrown;
  }
  // D8: a frame whose content broke never got its tag, so it cannot have been taken.
  trip.sent = false;
  throw broken;
}

/** Readers filter by period through the metadata: the Betrachtungszeitraum is the time of the service (mio-diga.md section 11). */
function serviceTimes(key: Uint8Array, document: DocumentRow): { serviceStart?: Date; serviceStop?: Date } {
  if (document.sealed_period === null) return {};
  const text = openValue(key, `${document.export_id}/${document.part}/period`, document.sealed_period);
  const stretch = stretchOf(JSON.parse(text) as { start: string; end: string });
  return stretch === undefined ? {} : { serviceStart: stretch.start, serviceStop: stretch.stop };
}
