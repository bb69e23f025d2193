// Starts and stops everything; the only place where the parts are joined (style.md B1). Order of a start: lock, store, keys,
// outside, listeners, then the worker takes up what the last process left (EXP-03).
import '../wire/tls.ts';
import { createAdmin } from './admin/server.ts';
import { createRequestRate } from './api/request-rate.ts';
import { createRestApi, type Readiness } from './api/rest.ts';
import { documentsOf } from './api/submission.ts';
import { issuersWithKeys } from './api/token-keys.ts';
import { authenticationOf } from './callers.ts';
import { openCardChoices } from './cards/card-choices.ts';
import { startCards } from './cards/cards.ts';
import { maskedSettings, type Settings } from './config.ts';
import { startAuditCheckpoints } from './exports/audit-checkpoints.ts';
import { createAuditRefusals } from './exports/audit-refusals.ts';
import { createChainHealth } from './exports/chain-health.ts';
import type { Checkpoint } from './exports/checkpoints.ts';
import { createFinalWaits } from './exports/final-waits.ts';
import { createKeyRotation } from './exports/key-rotation.ts';
import { wrappedKeys } from './exports/key-store.ts';
import { hearNeighbours } from './exports/neighbours.ts';
import { createEventBell } from './exports/outbox.ts';
import type { OpenSession } from './exports/ports.ts';
import { createRenewals } from './exports/renewals.ts';
import { openSealed } from './exports/sealed-store.ts';
import { openStore, queueDepth } from './exports/store.ts';
import { type Timer, Worker } from './exports/worker.ts';
import { openClock, systemTimer } from './followed-clock.ts';
import { createHealthOfDiga } from './health-of-diga.ts';
import { warnOfWeakWays } from './konnektor-warnings.ts';
import { closeWithin, listen } from './listening.ts';
import { createLogger, type Logger } from './log.ts';
import { createMetrics } from './metrics.ts';
import { createOutside, type OutsideNeeds, type OutsideParts } from './outside.ts';
import { startOversight } from './oversight.ts';
import { createOwnMaterial } from './own-material.ts';
import { type GatewayReady, readyLine } from './ready.ts';
import { createSecurityEvents } from './security-events.ts';
import { openDataDirectory } from './vault/data-directory.ts';
import { openVault, readMasterKey } from './vault/keys.ts';
import { createWebhooks } from './webhooks/webhooks.ts';
import { journeySettings, slotsOf } from './worker-settings.ts';

export type { GatewayReady } from './ready.ts';

export type Gateway = {
  address: string;
  adminAddress: string;
  ready: GatewayReady;
  /** Resolves when nothing runs, no login ahead of its time either, and nothing is due; for tests. */
  idle(): Promise<void>;
  /** Looks whether the files of our own certificates have changed (CRT-11). */
  reload(): void;
  stop(): Promise<void>;
};

/** What tests put in the place of the real thing. */
export type GatewayDependencies = {
  now?: () => number;
  random?: () => number;
  log?: Logger;
  timer?: Timer;
  /** Awaited at the named places between 202 and receipt. */
  checkpoint?: Checkpoint;
  outside?: (o: OutsideNeeds) => OutsideParts<OpenSession>;
};

/** A running gateway. GatewayError DATA_DIRECTORY_IN_USE, STORE_BROKEN, CONFIG_INVALID; nothing is left open then. */
export async function startGateway(settings: Settings, dependencies: GatewayDependencies = {}): Promise<Gateway> {
  const opened: (() => Promise<void>)[] = [];
  try {
    return await open(settings, dependencies, opened);
  } catch (thrown) {
    for (const close of opened.reverse()) await close();
    throw thrown;
  }
}

async function open(
  settings: Settings,
  dependencies: GatewayDependencies,
  opened: (() => Promise<void>)[],
): Promise<Gateway> {
  const random = dependencies.random ?? Math.random;
  const { environment, previousMasterKeyFile: previous } = settings;
  const log = dependencies.log ?? createLogger({ environment, level: settings.log.level });
  const clock = await openClock({ settings, own: dependencies, log });
  opened.push(() => clock.stop());
  const { now = clock.now, timer = clock.timer } = dependencies;
  const metrics = createMetrics();
  const directory = openDataDirectory(settings.dataDirectory);
  const name = `epa-gateway/${directory.id}`;
  opened.push(async () => directory.release());
  const store = await openStore(directory.path, settings.store.postgres, {
    name,
    checkpoint: dependencies.checkpoint,
  });
  opened.push(() => store.destroy());
  await dependencies.checkpoint?.('start.store');
  const vault = await openVault({
    masterKey: readMasterKey(settings.masterKeyFile),
    previousMasterKey: previous === undefined ? undefined : readMasterKey(previous),
    keys: wrappedKeys(store, { now, checkpoint: dependencies.checkpoint }),
    digas: settings.digas.map((d) => d.id),
  });
  const db = await openSealed(store, { vault, metrics, log, now });
  await dependencies.checkpoint?.('start.keys');
  const audit = await startAuditCheckpoints({
    db,
    keys: vault.audit,
    directory: directory.path,
    settings: maskedSettings(settings),
    environment,
    now,
    timer,
    log,
  });
  opened.push(() => audit.stop());
  const refusals = createAuditRefusals({ db, now, timer, log });
  opened.push(() => refusals.stop());
  metrics.onScrape(() => queueDepth(db, now()));

  const security = createSecurityEvents({ log, metrics, refusals });
  const choices = await openCardChoices(db);
  const base = { settings, now, log, metrics, timer, security };
  const own = createOwnMaterial(base);
  const oversight = await startOversight({ ...base, db, gateway: directory.id, own });
  opened.push(() => oversight.stop());
  const { alarms, inventory, cardStatus } = oversight;
  const around = { ...base, chosenCard: choices.of, inventory, cardStatus, own };
  await warnOfWeakWays({ settings, now, log, alarms });
  if (dependencies.outside !== undefined) return run(dependencies.outside(around));
  return run(createOutside(around));

  async function run<S extends OpenSession>(outside: OutsideParts<S>): Promise<Gateway> {
    opened.push(() => outside.close());
    const outer = outside.ports;
    const health = createChainHealth();
    const documents = documentsOf(settings);
    opened.push(() => documents.workshop.stop());
    const finalWaits = createFinalWaits(timer);
    const bell = createEventBell();
    const webhooks = createWebhooks({ ...around, db, bell, random, timer });
    bell.listen(audit.changed);
    const worker = new Worker<S>({
      onChange: bell.ring,
      slots: slotsOf(settings),
      ...(timer !== systemTimer && { timer }),
      house: {
        db,
        vault,
        outer,
        ...journeySettings(settings),
        renewals: createRenewals(settings.session.renewalsEverySeconds * 1000),
        health,
        log,
        metrics,
        now,
        random,
        ended: finalWaits.ended,
        checkpoint: dependencies.checkpoint,
        lease: { holder: directory.id, ms: settings.worker.leaseSeconds * 1000 },
      },
    });
    outside.listen((change) => worker.wakeThese(health.toWake(change)));
    const wakes = {
      wake: () => {
        worker.wake();
        bell.ring();
      },
      erased: () => worker.erased(),
    };
    const rotation = createKeyRotation({ db, vault, now, log, checkpoint: dependencies.checkpoint });
    const cards = await startCards({
      ...around,
      db,
      parts: outside.konnektors,
      cards: outer.cards,
      choices,
      chain: health,
      wake: (exports) => worker.wakeThese(exports),
      alarms,
      holder: directory.id,
    });
    opened.push(() => cards.stop(0));
    const trail = { keys: vault.audit, directory: directory.path };
    const watching = oversight.begin({ outside, cards, chain: health, audit: trail });
    let takes = false;
    const readiness = (): Readiness => {
      const code = takes ? health.trouble() : 'NOT_READY';
      return { ok: takes, canExport: takes && code === null, code };
    };
    const tokenIssuers = issuersWithKeys(settings.tokenIssuers, { fetch: outside.fetchTokenKeys, now });
    const listener = { refusals, environment, bodyBytes: settings.limits.bodyBytes, log, metrics, now };
    const api = createRestApi({
      ...listener,
      listen: settings.listen,
      ...authenticationOf('listen', { settings, own, now }, tokenIssuers),
      requestRate: createRequestRate(settings.limits.requestsPerSecond, now),
      readiness,
      health: createHealthOfDiga({ ...watching, ...cards, settings, trouble: health.trouble, readiness }),
      exports: {
        db,
        vault,
        now,
        log,
        metrics,
        documentBytes: settings.limits.documentBytes,
        bodyBytes: settings.limits.bodyBytes,
        documents,
        digas: new Set(settings.digas.map((d) => d.id)),
        recordSystems: new Set(settings.recordSystems.map((r) => r.id)),
        locator: outer.locator,
        ...wakes,
        finalWaits,
        checkpoint: dependencies.checkpoint,
      },
      events: { db, bell, timer },
      webhooks: { db, webhooks, now },
    });
    const admin = createAdmin({
      ...listener,
      listen: settings.admin,
      settings,
      exports: { db, now, log, metrics, ...wakes, finalWaits },
      cards,
      webhooks,
      ...authenticationOf('admin', { settings, own, now }),
      requestRate: createRequestRate(settings.limits.requestsPerSecond, now),
      readiness,
      trouble: (diga) => health.trouble(diga),
      recordSystems: outside.recordSystems,
      audit: trail,
      keys: { vault, rotation },
      alarms,
      ...watching,
    });
    opened.push(() => admin.close());
    const adminAddress = await listen(admin, 'admin', { settings, own });
    opened.push(() => api.close());
    const address = await listen(api, 'listen', { settings, own });
    // Before the sweep of the worker drops events that were not put before the targets yet.
    opened.push(() => webhooks.stop(0));
    await webhooks.start();
    await worker.start();
    const { postgres } = settings.store;
    if (postgres !== undefined) {
      const hears = {
        changed: wakes.wake,
        ended: finalWaits.ended,
        missed: () => {
          wakes.wake();
          finalWaits.look();
        },
      };
      const neighbours = hearNeighbours({ settings: postgres, name, hears, timer, log });
      opened.push(() => neighbours.stop());
    }
    await rotation.resume();
    takes = true;
    log.info('gateway ready', { address });
    const stop = async () => {
      takes = false;
      log.info('gateway stopping');
      finalWaits.stop();
      // Nothing new first, together with what is on the wire, then what both need.
      const ms = settings.worker.stopSeconds * 1000;
      await Promise.all([
        closeWithin(api, ms, timer),
        closeWithin(admin, ms, timer),
        worker.stop(ms),
        webhooks.stop(ms),
        cards.stop(ms),
        rotation.stop(),
      ]);
      for (const close of opened.reverse()) await close();
      opened.length = 0;
    };
    let stopped: Promise<void> | undefined;
    return {
      address,
      adminAddress,
      ready: readyLine(settings, address, adminAddress),
      idle: async () => {
        await worker.idle();
        await outside.settled();
      },
      reload: own.look,
      stop: () => {
        stopped ??= stop();
        return stopped;
      },
    };
  }
}
