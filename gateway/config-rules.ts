// What one setting demands of another, and what the files must be: D16 (unsafe things are possible in SIM only), unique
// ids, resolved references, secrets readable by their owner only (SEC-06). Every fault is found, none stops the search.
import { checkCredentials } from './config-credentials.ts';
import { documentFaults } from './config-documents.ts';
import { environmentFaults } from './config-environments.ts';
import { fileFaults } from './config-files.ts';
import { konnektorFaults } from './config-konnektors.ts';
import { limitFaults } from './config-limits.ts';
import { pinFaults } from './config-pins.ts';
import { trustFaults } from './config-trust.ts';
import { webhookFaults } from './config-webhooks.ts';
import type { ListenSettings, Settings } from './tables/settings-manifest.ts';

/** One wrong setting: the key's name and the form expected. Never the value. */
export type ConfigFault = { key: string; message: string };

const LOOPBACK = new Set(['127.0.0.1', '::1', 'localhost']);

/** Every rule that the manifest alone cannot say. */
export function checkRules(s: Settings, now: number): ConfigFault[] {
  const own = [...onlyInSim(s), ...uniqueness(s), ...references(s), ...checkCredentials(s), ...fileFaults(s)];
  return [
    ...own,
    ...webhookFaults(s),
    ...documentFaults(s),
    ...pinFaults(s),
    ...environmentFaults(s),
    ...limitFaults(s),
    ...trustFaults(s),
    ...konnektorFaults(s, now),
  ];
}

/** D16: each refused by its name. */
function onlyInSim(s: Settings): ConfigFault[] {
  const faults: ConfigFault[] = [];
  const sim = s.environment === 'SIM';
  const plain = (key: string, l: ListenSettings) => {
    if (l.tls !== undefined) return;
    if (!sim)
      faults.push({ key: `${key}.tls`, message: `is mandatory in ${s.environment}: plain HTTP is for SIM only` });
    else if (!LOOPBACK.has(l.host))
      faults.push({ key: `${key}.host`, message: 'plain HTTP is served on loopback only' });
  };
  plain('listen', s.listen);
  plain('admin', s.admin);
  s.konnektors.forEach((k, i) => {
    if (k.events === undefined) return;
    const key = `konnektors[${i}].events.listen`;
    plain(key, k.events.listen);
    // The receiver reads what comes before it can know from whom: outside SIM the Konnektor shows its certificate first.
    if (!sim && k.events.listen.tls !== undefined && k.events.listen.tls.clientCaFile === undefined)
      faults.push({
        key: `${key}.tls.clientCaFile`,
        message: `is mandatory in ${s.environment}: only the Konnektor may send events`,
      });
  });
  // The way to the database is a way like every other (SEC-01).
  const { postgres } = s.store;
  if (postgres !== undefined && postgres.caFile === undefined) {
    if (!sim)
      faults.push({ key: 'store.postgres.caFile', message: `is mandatory in ${s.environment}: no way without TLS` });
    else if (!LOOPBACK.has(hostOf(postgres.url)))
      faults.push({ key: 'store.postgres.caFile', message: 'is missing: without TLS only on loopback' });
  }
  if (s.listen.port !== 0 && s.listen.host === s.admin.host && s.listen.port === s.admin.port)
    faults.push({ key: 'admin.port', message: 'must differ from listen.port (SEC-15)' });
  if (!sim) {
    const no = (key: string) => faults.push({ key, message: `is for SIM only, not for ${s.environment} (D16)` });
    s.operators.forEach((o, i) => {
      if (o.keyFile !== undefined) no(`operators[${i}].keyFile`);
    });
    if (s.clock !== undefined) no('clock');
    if (!s.session.reuse) no('session.reuse: false');
    if (s.environment === 'PU' && s.session.vauTracing)
      faults.push({ key: 'session.vauTracing', message: 'must never be on in PU (A_24477, D16)' });
  }
  s.operators.forEach((o, i) => {
    if (o.keyFile === undefined && o.certificateFiles.length === 0)
      faults.push({
        key: `operators[${i}].${sim ? 'keyFile' : 'certificateFiles'}`,
        message: 'is missing: no other credential is configured (SEC-15)',
      });
  });
  if (sim && s.clock !== undefined && !LOOPBACK.has(hostOf(s.clock)))
    faults.push({ key: 'clock', message: 'must be on loopback: plain HTTP is asked there only (D16)' });
  return faults;
}

/** Without the brackets of an IPv6 address. */
const hostOf = (url: string) => new URL(url).hostname.replace(/^\[|\]$/g, '');

function uniqueness(s: Settings): ConfigFault[] {
  const faults: ConfigFault[] = [];
  const once = (list: string, member: string, values: readonly string[]) => {
    values.forEach((v, i) => {
      if (values.indexOf(v) !== i)
        faults.push({
          key: `${list}[${i}].${member}`,
          message: `stands twice, first in ${list}[${values.indexOf(v)}]`,
        });
    });
  };
  once(
    'konnektors',
    'id',
    s.konnektors.map((k) => k.id),
  );
  once(
    'recordSystems',
    'id',
    s.recordSystems.map((r) => r.id),
  );
  once(
    'recordSystems',
    'url',
    s.recordSystems.map((r) => new URL(r.url).origin),
  );
  once(
    'digas',
    'id',
    s.digas.map((d) => d.id),
  );
  // One card, one folder: two DiGA on one Telematik-ID would be linkable and write into each other's folder (EXP-26, EXP-27).
  once(
    'digas',
    'telematikId',
    s.digas.map((d) => d.telematikId),
  );
  once(
    'clients',
    'id',
    s.clients.map((c) => c.id),
  );
  once(
    'operators',
    'id',
    s.operators.map((o) => o.id),
  );
  return faults;
}

function references(s: Settings): ConfigFault[] {
  const faults: ConfigFault[] = [];
  const konnektors = new Set(s.konnektors.map((k) => k.id));
  const digas = new Set(s.digas.map((d) => d.id));
  s.digas.forEach((d, i) => {
    d.konnektors.forEach((k, j) => {
      if (!konnektors.has(k))
        faults.push({ key: `digas[${i}].konnektors[${j}]`, message: 'names no Konnektor of konnektors' });
    });
  });
  s.clients.forEach((c, i) => {
    if (!digas.has(c.diga)) faults.push({ key: `clients[${i}].diga`, message: 'names no DiGA of digas' });
  });
  return faults;
}
