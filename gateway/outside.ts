// Joins what lies outside the house for main.ts: egress with its allow-list (D18), Konnektor and card, record systems, IDP,
// channels; counts what they cost (card signatures, handshakes, logins).
import type { TrustAnchors } from '../certs/trust.ts';
import { allowList } from './allow-list.ts';
import type { CardStatus } from './certificates/card-status.ts';
import type { Inventory } from './certificates/inventory.ts';
import type { Settings } from './config.ts';
import { createEgress } from './egress.ts';
import { GatewayError } from './errors.ts';
import type { AvailabilityChange, OpenSession, OuterPorts } from './exports/ports.ts';
import { createKonnektorParts, type KonnektorParts } from './konnektor-parts.ts';
import type { Logger } from './log.ts';
import type { Metrics, UploadResult } from './metrics.ts';
import { followKonnektors, type OwnMaterial } from './own-material.ts';
import { Availability, type RecordSystemState } from './record-system/availability.ts';
import { writeDocument } from './record-system/documents.ts';
import { Idp } from './record-system/idp.ts';
import { RecordLocator } from './record-system/locate.ts';
import type { Session } from './record-system/session.ts';
import { SessionPool, type SessionState } from './record-system/session-pool.ts';
import type { Timer } from './record-system/timer.ts';
import { VauTrust } from './record-system/vau-trust.ts';
import { createVisits } from './record-system/visits.ts';
import type { SecurityEvents, SecurityPlace } from './security-events.ts';
import { openTrustAnchors } from './trust-anchors.ts';
import type { TrustListKeeper } from './trust-list.ts';
import { type OcspAccess, ocspAsk, trustListOf } from './trust-parts.ts';

export type RecordSystemView = RecordSystemState & {
  sessions: (Omit<SessionState, 'telematikId'> & { diga: string })[];
};

/** What main.ts asks of the outside. */
export type OutsideParts<S extends OpenSession> = {
  ports: OuterPorts<S>;
  /** The key set of a token issuer, by its address in the settings (SEC-13). EgressError, or GatewayError for another status. */
  fetchTokenKeys(of: { issuer: string; url: string }): Promise<Uint8Array>;
  konnektors: KonnektorParts;
  /** How the trust-service list of the settings stands; without one undefined. */
  trustList?: Pick<TrustListKeeper, 'state' | 'begun'> | undefined;
  /** For the doctor: what the modules judge by, and the IDP's own words, asked for anew. */
  inspect?: { anchors: () => TrustAnchors; status: CardStatus | undefined; discover: () => Promise<void> };
  /** Each record system as it stands, for operators. */
  recordSystems(): RecordSystemView[];
  /** Who is told when exports that wait may run. */
  listen(to: (change: AvailabilityChange) => void): void;
  /** Resolves when nothing is on its way outside that no export waits for; for tests. */
  settled(): Promise<void>;
  close(): Promise<void>;
};

/** What it is made of. */
export type OutsideNeeds = {
  settings: Settings;
  now: () => number;
  log: Logger;
  metrics: Metrics;
  timer: Timer;
  security: SecurityEvents;
  /** ICCSN of the SMC-B that an operator has chosen for this DiGA (KON-09). */
  chosenCard?: (diga: string) => string | undefined;
  /** Where each certificate that is met is put down (CRT-01). */
  inventory?: Pick<Inventory, 'connected' | 'vauSeen' | 'idpSignerSeen'>;
  /** Makes the judge of the cards' status where the settings name a responder (CRT-04). */
  cardStatus?: (access: OcspAccess) => CardStatus;
  /** Where our own certificates are looked after (CRT-11). */
  own?: OwnMaterial;
};

/** Everything outside, not yet asked anything. GatewayError CONFIG_INVALID for certificates that cannot be read. */
export function createOutside(o: OutsideNeeds): OutsideParts<Session> {
  const { settings, now, metrics, security } = o;
  const egress = createEgress({
    environment: settings.environment,
    purposes: allowList(settings, now()),
    now,
    onConnection: (connection) => {
      security.connected(connection);
      o.inventory?.connected(connection);
    },
  });
  if (o.own !== undefined) followKonnektors(o.own, { settings, egress, now });
  const list = trustListOf({ ...o, egress });
  const { anchors, ...anchorFiles } = openTrustAnchors({ ...o, list });
  const watched = async <T>(place: SecurityPlace, act: () => Promise<T>): Promise<T> => {
    try {
      return await act();
    } catch (thrown) {
      security.met(thrown, place);
      throw thrown;
    }
  };
  const { ocsp } = settings.trust;
  const failed = (thrown: unknown) => security.met(thrown, {});
  const status = ocsp && o.cardStatus?.({ ask: ocspAsk(egress, ocsp.url), anchors, failed });
  const konnektors = createKonnektorParts({ ...o, egress, anchors, chosenCard: o.chosenCard, status });
  const { smcb: cards } = konnektors;
  const missed = (diga: { id: string; telematikId: string }) => (thrown: unknown) => {
    troubled.add(diga.telematikId);
    konnektors.missed(diga.id);
    throw thrown;
  };
  const common = { egress, userAgent: settings.userAgent, now };
  const trust = new VauTrust({ ...common, anchors, ...(o.inventory && { seen: o.inventory.vauSeen }) });
  const idp = new Idp({
    ...common,
    anchors,
    ...(o.inventory && { seen: o.inventory.idpSignerSeen }),
    idp: { issuer: settings.idp.issuer, origins: settings.idp.origins.map((i) => i.origin) },
  });
  let listener: (change: AvailabilityChange) => void = () => {};
  const availability = new Availability({
    recordSystems: settings.recordSystems,
    concurrency: settings.worker.concurrency,
    now,
    timer: o.timer,
    onChange: (change) => listener(change),
  });
  const visits = createVisits(availability);
  const locator = new RecordLocator({
    ...common,
    recordSystems: settings.recordSystems,
    maxAgeSeconds: settings.locate.cacheSeconds,
    graceSeconds: settings.locate.graceSeconds,
    through: (recordSystem, ask) => availability.located(recordSystem, ask),
    timer: o.timer,
  });
  const pool = new SessionPool({
    ...common,
    recordSystems: settings.recordSystems,
    trust,
    idp,
    pu: settings.environment === 'PU',
    nonPuTracing: settings.session.vauTracing,
    maxAgeSeconds: settings.session.maxAgeSeconds,
    reuse: settings.session.reuse,
    largeBytes: settings.session.largeBytes,
    onFailure: (failure, recordSystem) => security.met(failure, { recordSystem }),
    channels: settings.session.channels,
    timer: o.timer,
    events: {
      handshake: metrics.handshake,
      login: metrics.login,
      // No export meets it: the session in use goes on (SEC-11).
      notRenewed: ({ recordSystem }, { code, check }) =>
        o.log.warn('session not renewed', { recordSystem, code, ...(check !== undefined && { check }) }),
    },
  });
  const troubled = new Set<string>();
  // Everything that stands on the anchors of before is judged anew; what is on the wire still ends.
  anchorFiles.onChange(() => {
    o.log.info('trust anchors changed');
    pool.close();
    idp.forget();
    cards.forget();
  });
  // CRT-04: what a card that is revoked has signed on is over, too. Nothing else is: a card that is plugged and not released yet has
  // signed nothing, and live sessions of another one may be all there is while a PIN is lost (D10).
  status?.onBlocked((certificate, code) => {
    const sessions = pool.dropSignedBy(certificate.der);
    const digas = cards.stopped(certificate);
    if (sessions + digas.length > 0) o.log.error('card stopped', { code, count: sessions, diga: digas.join(', ') });
  });
  return {
    ports: {
      locator,
      cards: {
        signerFor: async (diga) => {
          const signer = await watched({ diga: diga.id }, () => cards.signerFor(diga)).catch(missed(diga));
          if (troubled.delete(diga.telematikId)) pool.wake(diga.telematikId);
          return {
            ...signer,
            sign: (sha256) => {
              metrics.cardSignature(diga.id);
              return signer.sign(sha256).catch(missed(diga));
            },
          };
        },
      },
      sessions: {
        acquire: ({ diga, ...wanted }) => {
          const { recordSystem } = wanted;
          const open = (more: { anew?: true; probe?: true }) => pool.acquire({ ...wanted, diga, ...more });
          return watched({ recordSystem, diga: diga.id }, () => visits.acquire(recordSystem, open));
        },
      },
      write: async (session, order) => {
        const counted = (result: UploadResult) => metrics.upload(session.recordSystem, result);
        const outcome = await visits
          .write(session, () =>
            writeDocument(session, order, {
              now,
              answerSeconds: settings.egress.answerSeconds,
              metadata: ({ telematikId }) => settings.digas.find((diga) => diga.telematikId === telematikId)?.metadata,
            }),
          )
          .catch((thrown: unknown) => {
            counted('failed');
            throw thrown;
          });
        counted(outcome.kind);
        return outcome;
      },
    },
    fetchTokenKeys: async ({ issuer, url }) => {
      const answer = await egress.request('token-keys', {
        url,
        target: issuer,
        method: 'GET',
        headers: { accept: 'application/json' },
        timeoutMs: 10_000,
        maxResponseBytes: 256 * 1024,
      });
      if (answer.status !== 200) throw new GatewayError('TOKEN_KEYS_UNREACHABLE', `status ${answer.status}`);
      return answer.body;
    },
    konnektors,
    trustList: list,
    inspect: { anchors, status, discover: () => idp.discover() },
    recordSystems: () => {
      const digaOf = (telematikId: string) => settings.digas.find((diga) => diga.telematikId === telematikId)?.id ?? '';
      const sessions = pool.states().map(({ telematikId, ...state }) => ({ ...state, diga: digaOf(telematikId) }));
      return availability.states().map((state) => ({
        ...state,
        sessions: sessions.filter(({ recordSystem }) => recordSystem === state.recordSystem),
      }));
    },
    listen: (to) => {
      listener = to;
    },
    settled: async () => {
      await pool.settled();
      await locator.settled();
    },
    close: async () => {
      availability.stop();
      anchorFiles.stop();
      list?.stop();
      pool.close();
      await egress.close();
    },
  };
}
