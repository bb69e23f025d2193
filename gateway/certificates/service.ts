// The inventory at work (CRT-01..03): looks at files, cards and reports by its time and when asked, has the status of cards asked
// (CRT-04), tells warnings (CRT-02) and answers what operators and metrics see.
import type { Alarm, AlarmBell } from '../alarms/alarms.ts';
import type { Settings } from '../config.ts';
import { asGatewayError } from '../errors.ts';
import type { Timer } from '../exports/worker.ts';
import type { KonnektorClient } from '../konnektor/soap-client.ts';
import { type Logger, stackOf } from '../log.ts';
import type { OwnMaterial } from '../own-material.ts';
import { lookRegularly } from '../regular-look.ts';
import type { TrustListKeeper } from '../trust-list.ts';
import { createCardCertificates } from './card-certificates.ts';
import type { CardStatus } from './card-status.ts';
import { type CertificateView, type InventoryEntry, viewEntry } from './entry.ts';
import type { Inventory } from './inventory.ts';
import { ownCertificates } from './own-files.ts';
import { blindAt, dueWarnings, tellWarnings } from './warnings.ts';

export type Certificates = {
  /** What is known; `fresh` looks first, and so does the first question. */
  list(o?: { fresh?: boolean }): Promise<CertificateView[]>;
  /** Without asking anybody. */
  known(): CertificateView[];
  /** Some card may be there that was not seen: not looked yet, or a Konnektor did not tell. */
  blind(): boolean;
  look(): Promise<void>;
  stop(): void;
};

export type CertificatesNeeds = {
  settings: Settings;
  inventory: Inventory;
  clients: readonly KonnektorClient[];
  smcb: {
    atCard<T>(iccsn: string, work: () => Promise<T>): Promise<T>;
    inUse(diga: string): { iccsn: string } | undefined;
  };
  status: CardStatus | undefined;
  trustList: Pick<TrustListKeeper, 'state'> | undefined;
  own: Pick<OwnMaterial, 'look' | 'shown'>;
  alarms: AlarmBell & { open(): Alarm[] };
  now: () => number;
  timer: Timer;
  log: Logger;
};

/** Not while the gateway still starts: nothing of an export waits for it. */
export const FIRST_LOOK_MS = 10_000;
export const LOOK_EVERY_MS = 3_600_000;

/** Begins by its time. */
export function startCertificates(o: CertificatesNeeds): Certificates {
  const { settings, inventory, now, log, status } = o;
  const { alarms: levels } = settings;
  const cards = createCardCertificates({
    digas: settings.digas,
    now,
    atCard: (iccsn, work) => o.smcb.atCard(iccsn, work),
  });
  let looked = false;

  async function lookNow(): Promise<void> {
    o.own.look();
    inventory.put('files', ownCertificates(settings, now(), o.own.shown));
    inventory.put('tsl-signer', [tslSigner(o)]);
    await Promise.all(
      o.clients.map(async (client) => {
        const place = `cards ${client.access.id}`;
        inventory.put(place, kept(await cards.look(client), inventory.list(), client.access.id));
      }),
    );
    await status?.refresh(inventory.list().flatMap((entry) => (isCard(entry) ? [entry.certificate] : [])));
    await tellWarnings(
      o.alarms,
      dueWarnings(inventory.list(), { levels, now: now(), inUse: (diga) => o.smcb.inUse(diga)?.iccsn }),
    );
    looked = true;
    log.info('certificates looked at', { count: inventory.list().length });
  }

  const { look, stop } = lookRegularly({
    lookNow: () =>
      lookNow().catch((thrown: unknown) => {
        log.error('certificates not looked at', { code: asGatewayError(thrown).code, stack: stackOf(thrown) });
      }),
    firstMs: FIRST_LOOK_MS,
    everyMs: LOOK_EVERY_MS,
    now,
    timer: o.timer,
  });

  const known = () =>
    inventory.list().map((entry) =>
      viewEntry(entry, {
        now: now(),
        ocsp: entry.certificate && status?.sight(entry.certificate),
        warnDays: Math.max(...(entry.use.startsWith('smcb-') ? levels.smcbDays : levels.certificateDays)),
      }),
    );
  return {
    list: async ({ fresh = false } = {}) => {
      if (fresh || !looked) await look();
      return known();
    },
    known,
    blind: () => !looked || blindAt(inventory.list()).size > 0,
    look,
    stop,
  };
}

const isCard = (entry: InventoryEntry): entry is InventoryEntry & Required<Pick<InventoryEntry, 'certificate'>> =>
  entry.use.startsWith('smcb-') && entry.certificate !== undefined;

/** Of a Konnektor that does not answer now, what was seen there before stays, and says why it was not seen again. */
function kept(seen: InventoryEntry[], before: readonly InventoryEntry[], konnektor: string): InventoryEntry[] {
  const failed = seen.find(({ use, seenAt }) => use === 'smcb-aut' && seenAt === null);
  if (failed?.why === undefined || failed.iccsn !== undefined) return seen;
  const { why } = failed;
  const old = before.filter(
    (entry) => entry.konnektor === konnektor && (entry.iccsn !== undefined || entry.reported !== undefined),
  );
  return old.length === 0 ? seen : old.map((entry) => ({ ...entry, why }));
}

function tslSigner({ settings, trustList, now }: CertificatesNeeds): InventoryEntry {
  const line = { use: 'tsl-signer' as const, holder: settings.environment };
  if (trustList === undefined) return { ...line, seenAt: null, why: 'NOT_LISTED' };
  const { list, check } = trustList.state();
  return list === null
    ? { ...line, seenAt: null, why: check ?? 'TRUST_LIST_UNUSABLE' }
    : { ...line, certificate: list.signer, seenAt: now() };
}
