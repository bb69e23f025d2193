// `doctor` (OPS-06): the way of an export from this machine to the record of a test insured, step by step, with the gateway's own
// modules and connections of its own. It stops at the first fault, names it and says what to do. Nothing is written to a record and
// nobody is asked for a PIN; a login costs two signatures of the card for each record system. No KVNR, no secret in the report.
import type { Settings } from '../config.ts';
import { isAddress } from '../egress-address.ts';
import { asGatewayError, GatewayError, type Language } from '../errors.ts';
import type { Timer } from '../exports/worker.ts';
import { findCards } from '../konnektor/card-search.ts';
import type { FoundCard } from '../konnektor/card-trust.ts';
import { type CardTerminal, getCards, getCardTerminals } from '../konnektor/event-service.ts';
import { isConnectionLoss } from '../konnektor/faults.ts';
import { KnownCertificates } from '../konnektor/known-certificates.ts';
import type { KonnektorClient } from '../konnektor/soap-client.ts';
import { maskPersonal } from '../log.ts';
import type { OutsideParts } from '../outside.ts';
import type { Session } from '../record-system/session.ts';
import { byEnd, cardSteps, farthest, type StepAct } from './card-steps.ts';
import { type Fault, faultOf, KONNEKTOR_WAY, type Shown, type StepName } from './faults.ts';

export type DoctorStep = {
  step: StepName;
  /** Of the settings: a Konnektor, a DiGA, a record system. */
  of: string;
  state: 'ok' | 'failed' | 'skipped' | 'open';
  /** What was found, or why it was skipped. */
  detail: string | null;
  ms: number;
};

export type DoctorReport = {
  ok: boolean;
  at: string;
  environment: Settings['environment'];
  diga: string;
  steps: DoctorStep[];
  failed: (Omit<Fault, 'remedy'> & { of: string; message: string; remedy: Record<Language, string> }) | null;
};

export type DoctorOptions = {
  settings: Settings;
  /** Of its own: nothing that a running gateway remembers can hide a fault. */
  outside: OutsideParts<Session>;
  diga: Settings['digas'][number];
  /** Only this one of the DiGA's Konnektors. */
  konnektor?: string | undefined;
  /** Of a test insured; without one the last step is skipped. */
  kvnr?: string | undefined;
  now: () => number;
  timer: Timer;
};

/** A clock farther off makes answers look like forgeries. */
const CLOCK_TOLERANCE_MS = 60_000;

type Walk = (step: StepName, of: string, act: StepAct) => Promise<void>;
/** Ends the walk; what failed stands in the report. */
class Stopped extends Error {}

/** Never throws for what it finds. */
export async function runDoctor(o: DoctorOptions): Promise<DoctorReport> {
  const steps: DoctorStep[] = [];
  let failed: DoctorReport['failed'] = null;
  const walk: Walk = async (step, of, act) => {
    const from = performance.now();
    const done = (state: DoctorStep['state'], detail: string | null) =>
      steps.push({ step, of, state, detail, ms: Math.round(performance.now() - from) });
    try {
      const found = await act();
      if (typeof found === 'object' && found !== null) done('skipped', found.skipped);
      else done('ok', found);
    } catch (thrown) {
      const konnektor = o.settings.konnektors.find(({ id }) => id === of);
      const fault = faultOf(thrown, step, shownTo(konnektor));
      const message = maskPersonal(thrown instanceof GatewayError ? thrown.message : 'unexpected error');
      // One call does several steps: those before the one that failed went well.
      if (konnektor !== undefined && KONNEKTOR_WAY.includes(step))
        for (const name of wayTo(konnektor, fault.step))
          steps.push({ step: name, of, state: 'ok', detail: null, ms: 0 });
      // What a later question shows to be wrong was no good earlier, whatever was answered then.
      const early = fault.step === step ? -1 : steps.findLastIndex((one) => one.step === fault.step);
      const [denied] = early === -1 ? [] : steps.splice(early, 1);
      const at = { step: fault.step, of: denied?.of ?? of };
      steps.push({ ...at, state: 'failed', detail: fault.fault, ms: Math.round(performance.now() - from) });
      failed = { ...fault, of: at.of, message };
      throw new Stopped();
    }
  };
  try {
    await way(o, walk);
  } catch (thrown) {
    if (!(thrown instanceof Stopped)) throw thrown;
  }
  const { environment } = o.settings;
  return { ok: failed === null, at: new Date(o.now()).toISOString(), environment, diga: o.diga.id, steps, failed };
}

type KonnektorSettings = Settings['konnektors'][number];

function shownTo(konnektor: KonnektorSettings | undefined): Shown {
  if (konnektor === undefined || (konnektor.clientCertificate ?? konnektor.clientPkcs12) !== undefined)
    return 'certificate';
  return konnektor.basicAuthentication === undefined ? 'nothing' : 'password';
}

/** Steps of one connection before this one, as far as the settings have them. */
function wayTo({ url, proxy }: KonnektorSettings, step: StepName): StepName[] {
  const { hostname } = new URL(proxy?.url ?? url);
  const tls = url.startsWith('https:');
  const there: Partial<Record<StepName, boolean>> = {
    dns: !isAddress(hostname),
    proxy: proxy !== undefined,
    'konnektor-tls': tls,
    'client-certificate': tls,
  };
  return KONNEKTOR_WAY.slice(0, Math.max(0, KONNEKTOR_WAY.indexOf(step))).filter((name) => there[name] !== false);
}

async function way(o: DoctorOptions, walk: Walk): Promise<void> {
  const { outside, settings, diga } = o;
  await walk('trust-list', settings.environment, async () => {
    if (outside.trustList === undefined) return { skipped: 'no trust-service list in the settings' };
    await outside.trustList.begun;
    outside.inspect?.anchors();
    return `number ${outside.trustList.state().list?.sequence}`;
  });
  const clients = outside.konnektors.clients.filter(
    ({ access }) => diga.konnektors.includes(access.id) && (o.konnektor === undefined || access.id === o.konnektor),
  );
  for (const client of clients) await konnektor(o, client, walk);
  const konnektors = clients.map(({ access }) => access.id);
  const signer = () => outside.ports.cards.signerFor({ ...diga, konnektors });
  await walk('idp', new URL(settings.idp.issuer).host, async () => {
    await outside.inspect?.discover();
    return null;
  });
  for (const { id } of settings.recordSystems)
    await walk('vau', id, async () => {
      (await outside.ports.sessions.acquire({ recordSystem: id, diga, signer })).release();
      return 'signed on';
    });
  await walk('record', diga.id, async () => {
    if (o.kvnr === undefined) return { skipped: 'no test insured given' };
    return `at ${await outside.ports.locator.locate(o.kvnr, 'doctor')}`;
  });
}

async function konnektor(o: DoctorOptions, client: KonnektorClient, walk: Walk): Promise<void> {
  const { settings, diga, now } = o;
  const { id } = client.access;
  const proxied = settings.konnektors.find((one) => one.id === id)?.proxy !== undefined;
  await walk('connector-sds', id, async () => {
    const { product } = await client.directory.services();
    return `${product.vendor}: ${product.name}${proxied ? ', through the proxy' : ''}`;
  });
  await walk('clock', id, async () => {
    if (settings.clock !== undefined) return { skipped: 'the clock of the simulator is followed' };
    const { date } = client.directory;
    if (date === undefined) return { skipped: 'the Konnektor tells no time' };
    const off = Math.round((now() - date.getTime()) / 1000);
    if (Math.abs(off) * 1000 > CLOCK_TOLERANCE_MS) throw clockOff(off);
    return `${off} s`;
  });
  await walk('context', id, async () => {
    await getCards(client, { mandantWide: true, cardType: 'SM-B' });
    return `${client.access.mandant}/${client.access.clientSystem}/${client.access.workplace}`;
  });
  await walk('terminal', id, async () => {
    const told = await connectedTerminals(client);
    if (typeof told === 'string') return told;
    // KON-14: a card in a Konnektor need not sit in a terminal that anybody lists.
    const found = await find(o, client).catch(() => []);
    if (found.length > 0) return { skipped: 'none is told of, and the card is there' };
    throw told;
  });
  let cards: FoundCard[] = [];
  await walk('card', diga.id, async () => {
    cards = await find(o, client);
    return cards.map(({ iccsn, ctId }) => `${iccsn} in ${ctId}`).join(', ');
  });
  const card = await farthest(cards.toSorted(byEnd), (one) => cardSteps(o, one));
  if (card !== undefined) for (const [step, act] of cardSteps(o, card)) await walk(step, diga.id, act);
}

/** How many there are, or what to say of none. */
async function connectedTerminals(client: KonnektorClient): Promise<string | GatewayError> {
  const { id } = client.access;
  let terminals: CardTerminal[];
  try {
    terminals = await getCardTerminals(client, true);
  } catch (thrown) {
    const error = asGatewayError(thrown);
    if (isConnectionLoss(error)) throw error;
    return error;
  }
  const none = (what: string) => new GatewayError('TERMINAL_OFFLINE', `Konnektor ${id}: ${what}`);
  if (terminals.length === 0) return none('no terminal of this Mandant');
  const there = terminals.filter(({ connected, isPhysical }) => connected || !isPhysical);
  return there.length === 0 ? none('no terminal is connected') : `${there.length} of ${terminals.length} connected`;
}

/** Those of the DiGA there, at least one; throws what findCards throws, and says whose cards are there instead. */
async function find({ diga }: DoctorOptions, client: KonnektorClient): Promise<FoundCard[]> {
  const { telematikId } = diga;
  const certificates = new KnownCertificates();
  const atCard = <T>(_iccsn: string, work: () => Promise<T>) => work();
  try {
    return await findCards({ client, telematikId, certificates, lastTerminal: undefined, atCard });
  } catch (thrown) {
    if (!(thrown instanceof GatewayError) || thrown.code !== 'SMCB_NOT_FOUND') throw thrown;
    const there = certificates.all().map(([iccsn, { admission }]) => `${iccsn} is ${admission?.registrationNumber}`);
    if (there.length === 0) throw thrown;
    const more = { cause: thrown, ...(thrown.foreign && { foreign: thrown.foreign }) };
    throw new GatewayError('SMCB_NOT_FOUND', `${thrown.message} (${there.join(', ')}; wanted ${telematikId})`, more);
  }
}

/** Met by comparing, before anything is judged by the wrong time. */
const clockOff = (seconds: number) =>
  new GatewayError(
    'CLOCK_WRONG',
    `our clock is ${Math.abs(seconds)} s ${seconds > 0 ? 'ahead of' : 'behind'} the Konnektor's`,
  );

/** For people. */
export function doctorText(report: DoctorReport, language: Language): string {
  const mark = { ok: 'ok  ', failed: 'FAIL', skipped: '-   ', open: '    ' };
  const lines = report.steps.map(({ step, of, state, detail, ms }) =>
    [mark[state], step.padEnd(19), of.padEnd(14), detail ?? '', state === 'ok' && ms > 0 ? `(${ms} ms)` : '']
      .filter((part) => part !== '')
      .join(' ')
      .trimEnd(),
  );
  const { failed } = report;
  const words =
    failed === null
      ? ['ok: the way to the record is free']
      : [
          '',
          `${failed.step}: ${failed.fault} (${failed.code}${failed.check === null ? '' : `, ${failed.check}`})`,
          `  ${failed.message}`,
          `  ${failed.remedy[language]}`,
        ];
  return `${[`doctor ${report.environment} ${report.at} DiGA ${report.diga}`, ...lines, ...words].join('\n')}\n`;
}
