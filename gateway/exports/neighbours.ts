// What other gateways on the same PostgreSQL have done is heard here by its own LISTEN, not by asking again and again: it wakes
// the worker, the streams and webhooks, and who waits for an end (EXP-03, api.md section 2). A notice carries no person: who
// told it, the new status, the export.
import { createHash } from 'node:crypto';
import { sql } from 'kysely';
import type { Logger } from '../log.ts';
import type { PostgresSettings } from '../tables/settings-manifest.ts';
import type { Queries } from './database.ts';
import { isPostgres } from './locks.ts';
import { openListener } from './postgres.ts';
import { type ExportStatus, OPEN } from './schema.ts';

/** Tells the other gateways, in the caller's transaction: heard when it is committed, and only then. */
export async function tellNeighbours(tx: Queries, status: string, exportId: string): Promise<void> {
  if (!isPostgres(tx)) return;
  await sql`SELECT pg_notify('epa_' || md5(current_schema()),
    current_setting('application_name') || ' ' || ${`${status} ${exportId}`})`.execute(tx);
}

export type Neighbours = { stop(): Promise<void> };

/** `changed`: something did, whatever it was; `ended`: this export has; `missed`: nothing was heard for a while, look at all. */
export type Hears = { changed(): void; ended(exportId: string): void; missed(): void };

const AGAIN_MS = 1000;

/** Listens until it is stopped; a broken connection is made again. */
export function hearNeighbours(o: {
  settings: PostgresSettings;
  /** Of this gateway: what it told itself it knows. */
  name: string;
  hears: Hears;
  timer: (ms: number, fire: () => void) => () => void;
  log: Logger;
}): Neighbours {
  const channel = `epa_${createHash('md5').update(o.settings.schema).digest('hex')}`;
  let stopped = false;
  let cancel = () => {};
  let close = async () => {};
  const heard = (text: string) => {
    const [name, status, exportId = ''] = text.split(' ');
    if (name === o.name) return;
    o.hears.changed();
    if (exportId !== '' && !OPEN.includes(status as ExportStatus)) o.hears.ended(exportId);
  };
  const lost = () => {
    if (stopped) return;
    o.log.warn('other gateways are not heard', { code: 'STORE_UNREACHABLE' });
    cancel = o.timer(AGAIN_MS, () => void listen());
  };
  const listen = async () => {
    try {
      const opened = await openListener(o.settings, { name: o.name, channel, heard, lost });
      close = opened.close;
      if (stopped) await close();
      // Of what was told before this connection stood nothing was heard.
      else o.hears.missed();
    } catch {
      lost();
    }
  };
  const first = listen();
  return {
    stop: async () => {
      stopped = true;
      cancel();
      await first;
      await close();
    },
  };
}
