// The admin listener, on its own address (SEC-15): metrics for the monitor, exports, cards and settings for operators. The
// same calls will carry the console. No call answers a KVNR or content (D15).
import type { FastifyInstance } from 'fastify';
import type { AlarmService } from '../alarms/service.ts';
import type { AlarmWatch } from '../alarms/watch.ts';
import { languageOf } from '../api/problem.ts';
import { certificateOf, type GuardOptions, guard, type Readiness, registerHealth } from '../api/rest.ts';
import { createListener, type ListenerOptions } from '../api/server.ts';
import type { Cards } from '../cards/cards.ts';
import type { Certificates } from '../certificates/service.ts';
import { maskedSettings, type Settings } from '../config.ts';
import { catalogue, type ErrorCode, type Language } from '../errors.ts';
import type { ConcernedLink } from '../health.ts';
import type { RecordSystemView } from '../outside.ts';
import type { Webhooks } from '../webhooks/webhooks.ts';
import { type AlarmsAdmin, registerAlarms } from './alarms.ts';
import { type AuditAdmin, registerAudit } from './audit.ts';
import { registerCards } from './cards.ts';
import { registerCertificates } from './certificates.ts';
import { type RunDoctor, registerDoctor } from './doctor.ts';
import { type AdminExports, registerAdminExports } from './exports.ts';
import { type KeysAdmin, registerKeys } from './keys.ts';
import { maySee, overviewOf } from './overview.ts';
import { adminPage, PAGE_HEADERS } from './page.ts';
import { registerPin } from './pin.ts';
import { registerRecordSystems } from './record-systems.ts';

export type AdminOptions = ListenerOptions &
  GuardOptions & {
    settings: Settings;
    exports: AdminExports;
    cards: Cards;
    webhooks: Pick<Webhooks, 'states'>;
    readiness: () => Readiness;
    trouble: (diga: string) => ErrorCode | null;
    recordSystems: () => RecordSystemView[];
    audit: Pick<AuditAdmin, 'keys' | 'directory'>;
    keys: KeysAdmin;
    alarms: AlarmsAdmin & Pick<AlarmService, 'open'>;
    certificates: Pick<Certificates, 'list'>;
    watch: Pick<AlarmWatch, 'auditJudged'>;
    links: (language: Language) => ConcernedLink[];
    doctor: RunDoctor;
  };

/** This version has no access to the directory of the TI (VZD). */
const NOT_CHECKED = { checked: false, code: 'NOT_CHECKED' } as const;

/** The listener with all routes, not listening yet. */
export function createAdmin(o: AdminOptions): FastifyInstance {
  const app = createListener({ ...o, audience: 'operator' });
  registerHealth(app, o.readiness);
  app.get('/', async (request, reply) => {
    const language = languageOf(request.headers['accept-language']);
    const { environment } = o.settings;
    // Of a DiGA that cannot log in: those of another one would not help it.
    const standing = o.recordSystems().flatMap(({ sessions }) => sessions.map(({ diga }) => diga));
    const live = standing.some((diga) => o.trouble(diga) !== null);
    const presented = {
      authorization: request.headers.authorization,
      address: request.ip,
      certificate: certificateOf(request),
    };
    const overview = (await maySee({ environment, authenticate: o.authenticate }, presented))
      ? overviewOf(o, language)
      : undefined;
    const page = adminPage({ environment, readiness: o.readiness(), language, live, overview });
    return reply.headers(PAGE_HEADERS).send(page);
  });
  app.register(async (admin) => {
    const callerOf = guard(admin, o, 'operator');

    admin.get('/metrics', async (request, reply) => {
      callerOf(request, 'monitor');
      const { contentType, body } = await o.metrics.text();
      return reply.type(contentType).send(body);
    });

    admin.get('/admin/v1/health', async (request) => {
      callerOf(request, 'monitor', 'operator');
      const language = languageOf(request.headers['accept-language']);
      const { ok, canExport, code } = o.readiness();
      const remedy = code === null ? null : catalogue[code].remedy[language];
      return {
        ...{ ok, canExport, code, remedy },
        // MON-01: three answers to three questions, and what lies behind the third.
        alive: true,
        ready: ok,
        links: o.links(language).map(({ link }) => link),
        // EXP-25: whether the DiGA stands in the directory under its Telematik-ID, without which nobody can approve it.
        digas: o.settings.digas.map((d) => ({ diga: d.id, code: o.trouble(d.id), directory: NOT_CHECKED })),
      };
    });

    admin.get('/admin/v1/config', async (request) => {
      callerOf(request, 'operator');
      return maskedSettings(o.settings);
    });

    registerAdminExports(admin, o.exports, callerOf);
    registerRecordSystems(admin, o, callerOf);
    registerCertificates(admin, o, callerOf);
    registerDoctor(admin, o, callerOf);
    registerAlarms(admin, { ...o, db: o.exports.db }, callerOf);

    // What each target of a webhook has taken and what it has not; never a secret.
    admin.get('/admin/v1/webhooks', async (request) => {
      callerOf(request, 'operator', 'monitor');
      return { webhooks: await o.webhooks.states() };
    });

    registerAudit(admin, { ...o, ...o.audit, db: o.exports.db, judged: o.watch.auditJudged }, callerOf);
    registerKeys(admin, { ...o.keys, digas: o.settings.digas.map((d) => d.id) }, callerOf);

    registerCards(admin, { ...o, cards: o.cards }, callerOf);
    registerPin(admin, { cards: o.cards, now: o.now }, callerOf);
  });
  return app;
}
