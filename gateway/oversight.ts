// What watches over the gateway, joined for main.ts: alarms with their channels (MON-03), the inventory of certificates with its
// warnings (CRT-01, CRT-02), the status of cards (CRT-04), and what is looked at by time.
import type { Alarm } from './alarms/alarms.ts';
import { type AlarmService, createAlarmService } from './alarms/service.ts';
import { type AlarmWatch, type CauseGroup, type StandingCause, watchAlarms } from './alarms/watch.ts';
import { type CardStatus, createCardStatus } from './certificates/card-status.ts';
import { createInventory, type Inventory } from './certificates/inventory.ts';
import { storedAnswers } from './certificates/kept-answers.ts';
import { type Certificates, startCertificates } from './certificates/service.ts';
import type { Settings } from './config.ts';
import type { DoctorReport } from './doctor/doctor.ts';
import { doctor } from './doctor/run.ts';
import type { Language } from './errors.ts';
import type { ChainHealth } from './exports/chain-health.ts';
import type { Database } from './exports/database.ts';
import type { Timer } from './exports/worker.ts';
import { type ConcernedLink, type HealthSources, healthLinks } from './health.ts';
import type { KonnektorParts } from './konnektor-parts.ts';
import { weakWays } from './konnektor-warnings.ts';
import type { Logger } from './log.ts';
import type { Metrics } from './metrics.ts';
import type { OwnMaterial } from './own-material.ts';
import type { SecurityEvents } from './security-events.ts';
import type { TrustListKeeper } from './trust-list.ts';
import type { OcspAccess } from './trust-parts.ts';
import type { AuditKeys } from './vault/audit-keys.ts';

type TrustList = Pick<TrustListKeeper, 'state'> | undefined;
export type Watching = {
  certificates: Certificates;
  watch: AlarmWatch;
  links(language: Language, diga?: string): ConcernedLink[];
  doctor(of: { diga?: string | undefined; konnektor?: string | undefined }): Promise<DoctorReport>;
};

export type Oversight = {
  alarms: AlarmService;
  inventory: Inventory;
  /** For outside.ts. */
  cardStatus(access: OcspAccess): CardStatus;
  /** Once the outside is there. */
  begin(o: {
    outside: { konnektors: KonnektorParts; trustList?: TrustList; recordSystems: HealthSources['recordSystems'] };
    cards: {
      konnektors: HealthSources['konnektors'];
      terminals: HealthSources['terminals'];
      watch: { digas: HealthSources['cards'] };
    };
    chain: Pick<ChainHealth, 'idp'>;
    audit: { keys: AuditKeys; directory: string };
  }): Watching;
  stop(): Promise<void>;
};

/** Alarms work at once; what they are about is looked at after `begin`. */
export async function startOversight(o: {
  settings: Settings;
  db: Database;
  /** This gateway, by the id of its data directory. */
  gateway: string;
  own: OwnMaterial;
  now: () => number;
  timer: Timer;
  log: Logger;
  metrics: Metrics;
  security: SecurityEvents;
}): Promise<Oversight> {
  const { settings, now } = o;
  const alarms = createAlarmService(o);
  await alarms.start();
  const inventory = createInventory(o);
  let status: CardStatus | undefined;
  let watching: Watching | undefined;
  return {
    alarms,
    inventory,
    cardStatus: (access) => {
      const { ocsp } = settings.trust;
      if (ocsp === undefined) throw new Error('no responder in the settings');
      status = createCardStatus({ ...o, ...access, ocsp, kept: storedAnswers(o.db) });
      status.onBlocked(() => void watching?.watch.look());
      return status;
    },
    begin: ({ outside, cards, chain, audit }) => {
      const { trustList, recordSystems } = outside;
      const { clients, smcb } = outside.konnektors;
      const certificates = startCertificates({ ...o, inventory, clients, smcb, status, trustList, alarms });
      const watch = watchAlarms({
        ...o,
        alarms,
        levels: settings.alarms,
        audit,
        standing: standingCauses({ trustList, status }),
        groups: [
          stoppedCards(certificates, { now, asked: status !== undefined }),
          weakWays(settings, now),
          o.own.alarms,
        ],
      });
      o.metrics.onOversightScrape(() => gauges({ certificates, trustList, alarms, now: now() }));
      const { konnektors, terminals, watch: looked } = cards;
      const sources: HealthSources = {
        ...{ settings, chain, konnektors, terminals, cards: looked.digas, trustList, recordSystems },
        certificates: certificates.known,
        ocspFailing: () => status?.failingSince() ?? null,
      };
      watching = {
        certificates,
        watch,
        doctor: (of) => doctor({ settings, now, timer: o.timer, ...of }),
        links: (language, diga) => healthLinks(sources, language, diga),
      };
      return watching;
    },
    stop: async () => {
      watching?.certificates.stop();
      watching?.watch.stop();
      await alarms.stop();
    },
  };
}

function standingCauses(o: {
  trustList: Pick<TrustListKeeper, 'state'> | undefined;
  status: CardStatus | undefined;
}): ReadonlyMap<string, StandingCause> {
  const causes = new Map<string, StandingCause>();
  // CRT-05: an alarm before the stop.
  causes.set('tsl', () => {
    const check = o.trustList?.state().check ?? null;
    return check === null ? null : { key: 'tsl', code: 'TRUST_LIST_UNUSABLE', subject: check, stage: check };
  });
  causes.set('ocsp', () => {
    const failing = o.status?.failingSince() ?? null;
    return failing === null ? null : { key: 'ocsp', code: 'OCSP_UNREACHABLE', subject: failing.check ?? 'unreachable' };
  });
  return causes;
}

/** Revoked, or not released (CRT-04). */
function stoppedCards(certificates: Certificates, o: { now: () => number; asked: boolean }): CauseGroup {
  const signing = () => certificates.known().filter(({ use }) => use === 'smcb-aut');
  const keyOf = (iccsn: string | null) => `card.${iccsn}.revoked`;
  return {
    ours: /^card\.\w+\.revoked$/,
    causes: () =>
      signing()
        .filter(({ ocsp }) => ocsp !== null && ocsp.status !== 'good')
        .map(({ iccsn, diga, ocsp }) => ({
          key: keyOf(iccsn),
          code: ocsp?.status === 'revoked' ? ('CERTIFICATE_REVOKED' as const) : ('CERTIFICATE_NOT_RELEASED' as const),
          subject: `SMC-B ${iccsn} (${diga ?? '-'})`,
          ...(diga !== null && { diga }),
          details: { seenAt: new Date(o.now()).toISOString() },
        })),
    // In sight and good, or looked for everywhere and not there: else nobody can say.
    untold: (key) => {
      const mine = signing().filter(({ iccsn }) => keyOf(iccsn) === key);
      if (mine.length === 0) return certificates.blind();
      return o.asked && mine.every(({ ocsp }) => ocsp === null);
    },
  };
}

/** Days left per certificate, age of the trust-service list and of OCSP answers, open alarms (MON-02). */
function gauges(o: {
  certificates: Certificates;
  trustList: Pick<TrustListKeeper, 'state'> | undefined;
  alarms: { open(): Alarm[] };
  now: number;
}) {
  const views = o.certificates.known();
  const list = o.trustList?.state().list ?? null;
  const seconds = (from: Date) => Math.floor((o.now - from.getTime()) / 1000);
  return {
    certificates: views.flatMap(({ use, holder, konnektor, iccsn, daysLeft }) =>
      daysLeft === null ? [] : [{ use, holder, konnektor: konnektor ?? '', iccsn: iccsn ?? '', daysLeft }],
    ),
    ocsp: views.flatMap(({ use, holder, iccsn, ocsp }) =>
      ocsp === null ? [] : [{ use, holder, iccsn: iccsn ?? '', ageSeconds: ocsp.ageSeconds }],
    ),
    tsl: list === null ? null : { ageSeconds: seconds(list.issued), leftSeconds: -seconds(list.nextUpdate) },
    alarms: [...Map.groupBy(o.alarms.open(), ({ code }) => code)].map(([code, all]) => ({ code, count: all.length })),
  };
}
