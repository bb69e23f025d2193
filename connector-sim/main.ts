// Starts and stops the whole simulator: world, PKI and every listener of api.md section 1 on loopback; the only place
// its parts are joined.
import '../wire/tls.ts';
import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { createControl } from './control/control.ts';
import { Faults } from './faults.ts';
import { withFurtherDigas } from './further-digas.ts';
import { type HttpListener, listen } from './http-server.ts';
import { createIdp } from './idp/idp.ts';
import { Journal } from './journal.ts';
import { CetpOut } from './konnektor/cetp-out.ts';
import { FIRST_KONNEKTOR } from './konnektor/default-konnektor.ts';
import { bootupComplete, emit } from './konnektor/events.ts';
import { KonnektorListeners } from './konnektor/konnektor-listeners.ts';
import { usableContext } from './konnektor/model-seed.ts';
import { createOcspResponder } from './ocsp.ts';
import type { Addresses, SimParts } from './parts.ts';
import { createPki } from './pki.ts';
import { createRecordSystem } from './record-system/record-system.ts';
import { followTlsFaults, recordSystemTls, recordSystemTlsFaults } from './record-system/record-system-tls.ts';
import { RECORD_SYSTEMS } from './records.ts';
import type { Scenario } from './scenario.ts';
import {
  chainPem,
  DEMO_DIGA,
  type GatewaySettingsJson,
  gatewaySettings,
  type SettingsFlags,
  writeWireFiles,
} from './settings.ts';
import { StepRunner } from './steps/runner.ts';
import { stepSubject } from './steps/subject.ts';
import type { KonnektorVendor } from './tables/konnektor-profiles.ts';
import { DEMO_TELEMATIK_ID, type VendorChoice, World } from './world.ts';

export type SimReadyLine = {
  ready: true;
  environment: 'SIM';
  konnektor: string;
  recordSystems: string[];
  idp: string;
  control: string;
  caFile: string;
  diga: string;
  telematikId: string;
  insured: string[];
  pids: { simulator: number };
};

export type Simulator = {
  ready: SimReadyLine;
  world: World;
  konnektors: KonnektorListeners;
  faults: Faults;
  journal: Journal;
  /** The timed steps of the scenario, begun when every listener stands. */
  steps: StepRunner;
  /** Address of the OCSP responder. */
  ocsp: string;
  operations(): Record<string, number>;
  settings(o?: SettingsFlags): GatewaySettingsJson;
  stop(): Promise<void>;
};

export type SimulatorOptions = {
  /** N of api.md; 0 (default) lets the system choose every port. */
  portBase?: number;
  seed?: number;
  lenient?: boolean;
  scenario?: Scenario;
  /** Whose each record system is; the scenario's where it says so. */
  recordSystems?: VendorChoice;
  /** Whose the first Konnektor is; the scenario's where it says so. */
  konnektor?: KonnektorVendor;
  /** A master key that stays, for a gateway whose data directory outlives this simulator; made where there is none. */
  masterKeyFile?: string;
  /** D23; default 300 ms. */
  pinEntryMs?: number;
};

/** Resolves when every listener stands. Nothing is left behind when it throws (a port in use) or after `stop`. */
export async function startSimulator(o: SimulatorOptions = {}): Promise<Simulator> {
  const base = o.portBase ?? 0;
  const pki = createPki({
    telematikId: DEMO_TELEMATIK_ID,
    organization: 'Demo DiGA GmbH',
    // A free port is not known before its listener stands.
    ocsp: base === 0 ? undefined : `http://127.0.0.1:${base + 7}`,
  });
  const world = new World({
    pki,
    seed: o.seed ?? o.scenario?.seed,
    insured: o.scenario?.insured,
    recordSystems: o.scenario?.recordSystems ?? o.recordSystems,
    cards: o.scenario?.cards,
    konnektor: o.scenario?.konnektor ?? o.konnektor,
    konnektors: o.scenario?.konnektors,
    plugs: o.scenario?.plugs,
    model: o.scenario?.model,
    pinEntryMs: o.pinEntryMs,
  });
  const faults = new Faults({ random: () => world.random(), konnektors: () => world.konnektors.keys() });
  const journal = new Journal({ now: world.now });
  const files = writeWireFiles(pki, o.masterKeyFile);
  const addresses: Addresses = {
    konnektor: '',
    recordSystems: { 'epa-as-1': '', 'epa-as-2': '' },
    idp: '',
    control: '',
    ocsp: '',
  };
  const parts: SimParts = { world, pki, faults, addresses, strict: o.lenient !== true };
  const cetp = new CetpOut(parts, (sent) => journal.recordSent(sent));
  parts.cetp = cetp;
  const port = (offset: number) => (base === 0 ? 0 : base + offset);
  const listeners: HttpListener[] = [];
  type Listening = Omit<Parameters<typeof listen>[0], 'port' | 'journal'> & { created?: (l: HttpListener) => void };
  const open = async (offset: number, { created, ...options }: Listening) => {
    const listener = await listen({ ...options, port: port(offset), journal, now: world.now });
    listeners.push(listener);
    created?.(listener);
    return listener.url;
  };
  const konnektors = new KonnektorListeners(parts, (wanted, options) =>
    listen({ ...options, port: wanted === 'first' ? port(2) : wanted, journal, now: world.now }),
  );
  parts.identityOf = (id) => konnektors.identity(id);
  konnektors.onStart((konnektor) => emit(konnektor, bootupComplete()));
  const idpTls = () => ({
    cert: [pki.tls, pki.tlsRsa].map((one) => chainPem(one.idp, pki.componentCa)),
    key: [pki.tls, pki.tlsRsa].map((one) => one.idp.keyPem),
  });
  const settings = (options: SettingsFlags = {}) =>
    withFurtherDigas({
      settings: gatewaySettings({ files, addresses, gatewayPort: base, konnektors: konnektorHolders(), ...options }),
      cards: world.cards,
      caFile: files.caFile,
      konnektors: konnektorHolders(),
    });
  /** A file beside the others, for what only one Konnektor has: its own root, its password. */
  const fileOf = (name: string, text: string) => {
    const file = join(dirname(files.caFile), name);
    writeFileSync(file, text, { mode: 0o600 });
    return file;
  };
  const konnektorHolders = () =>
    [...world.konnektors.values()].map((konnektor) => {
      const { id, cards, transport, credentials, cetp } = konnektor;
      return {
        id,
        url: konnektors.url(id),
        serverName: transport.serverName,
        caFile:
          transport.issuer === 'imported'
            ? fileOf(`${id}-tls-root.pem`, konnektors.identity(id)?.root.certPem ?? '')
            : files.konnektorCa,
        basicAuthentication:
          transport.authentication === 'basic'
            ? { user: credentials.user, passwordFile: fileOf(`${id}-password`, `${credentials.password}\n`) }
            : undefined,
        telematikIds: [...cards.values()].map((card) => card.telematikId),
        context: usableContext(konnektor),
        cetp,
      };
    });
  const steps = new StepRunner({
    now: world.now,
    control: () => addresses.control,
    subject: (name) => stepSubject(world, name),
  });
  const stop = async () => {
    steps.stop();
    cetp.stop();
    await Promise.all([...listeners.map((listener) => listener.stop()), konnektors.stop()]);
    files.remove();
  };

  try {
    await konnektors.follow();
    addresses.konnektor = konnektors.url(FIRST_KONNEKTOR);
    const idp = createIdp(parts);
    const services = Object.fromEntries(
      RECORD_SYSTEMS.map((id) => [id, createRecordSystem({ ...parts, id, idp })] as const),
    );
    for (const [index, id] of RECORD_SYSTEMS.entries()) {
      const service = services[id];
      if (service === undefined) continue;
      addresses.recordSystems[id] = await open(3 + index, {
        handler: service.handle,
        service: id,
        tls: recordSystemTls(pki, id),
        onConnection: recordSystemTlsFaults(pki, faults, id),
        created: (listener) => followTlsFaults(listener, faults, id),
      });
    }
    addresses.idp = await open(5, { handler: idp.handle, service: 'idp', tls: idpTls(), bodyLimit: 1_000_000 });
    addresses.ocsp = await open(7, { handler: createOcspResponder(parts).handle, service: 'ocsp', bodyLimit: 100_000 });
    const control = createControl({
      parts,
      journal,
      settings,
      trustChanged: files.refresh,
      konnektors,
      webhookSecret: files.secrets.webhook,
      services: { idp, ...services },
      steps,
    });
    addresses.control = await open(6, { handler: control, service: null, bodyLimit: 1_000_000 });
    steps.begin(o.scenario?.steps ?? []);
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    ready: {
      ready: true,
      environment: 'SIM',
      konnektor: addresses.konnektor,
      recordSystems: RECORD_SYSTEMS.map((id) => addresses.recordSystems[id]),
      idp: addresses.idp,
      control: addresses.control,
      caFile: files.caFile,
      diga: DEMO_DIGA,
      telematikId: DEMO_TELEMATIK_ID,
      insured: [...world.insured],
      pids: { simulator: process.pid },
    },
    world,
    konnektors,
    faults,
    journal,
    steps,
    ocsp: addresses.ocsp,
    operations: () => journal.operations(),
    settings,
    stop,
  };
}
