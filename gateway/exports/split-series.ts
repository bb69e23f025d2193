// A series that stands in the record as several documents by period (D4) goes on by entries or resources only: a finished
// document replaces one of them and would say again what the others say.
import { GatewayError } from '../errors.ts';
import type { ExportOrder } from './accept.ts';
import type { Queries } from './database.ts';
import { OPEN } from './schema.ts';

const WHOLE = ['', 'pdf'];

/** SERIES_SPLIT. Open exports count, too: what they write is in the record when this one goes. */
export async function refuseBesideParts(
  db: Queries,
  order: Pick<ExportOrder, 'memories' | 'further' | 'series'>,
  lookupKey: string,
): Promise<void> {
  if (order.memories !== undefined || (order.further ?? []).length > 0) return;
  const held = db
    .selectFrom('series')
    .select('part')
    .where('lookup_key', '=', lookupKey)
    .where('series', '=', order.series)
    .where('part', 'not in', WHOLE)
    .limit(1);
  const coming = db
    .selectFrom('exports as e')
    .innerJoin('documents as d', 'd.export_id', 'e.id')
    .select('d.part')
    .where('e.lookup_key', '=', lookupKey)
    .where('e.series', '=', order.series)
    .where('e.status', 'in', [...OPEN])
    .where('d.part', 'not in', WHOLE)
    .limit(1);
  if ((await held.executeTakeFirst()) === undefined && (await coming.executeTakeFirst()) === undefined) return;
  throw new GatewayError('SERIES_SPLIT', 'the series stands in the record as several documents by period');
}
