// `epa-gateway pin verify|change|unblock ICCSN` for operators (KON-07, D9): has a person enter the PIN (or PUK) at the terminal, waits
// for the end and says in plain words how it ended and what comes next. It never takes a PIN, and repeats nothing by itself.
import { type AdminCallOptions, callAdmin } from './admin-call.ts';
import type { PinKind } from './cards/pin-rows.ts';
import { type Printed, printJson, refusal, remedyOf } from './command-text.ts';
import type { Settings } from './config.ts';
import { forCard } from './errors.ts';

export type PinAsking = AdminCallOptions & {
  json: boolean;
  kind: PinKind;
  iccsn: string;
  confirm: boolean;
  konnektor?: string | undefined;
  pause: (ms: number) => Promise<void>;
  /** Told to the person while the entry is open. */
  progress: (text: string) => void;
};

type Operation = {
  id: string;
  kind: PinKind;
  iccsn: string;
  konnektor: string;
  state: 'running' | 'ended' | 'unknown';
  result: string | null;
  leftTries: number | null;
  code: string | null;
  konnektorCode: string | null;
  askedBy: string;
  since: string;
  heldUntil?: string | null;
};
type PinState = { state: string; leftTries: number | null };

const POLL_MS = 1_000;

/** 0: done, 1: refused, or it ended otherwise. */
export async function pinCommand(settings: Settings, o: PinAsking): Promise<Printed> {
  const { kind, iccsn, confirm, konnektor } = o;
  const call = (method: 'GET' | 'POST', path: string, body?: object) =>
    callAdmin(settings, { method, path, ...(body && { body }) }, { ...o, role: 'operator' });
  const card = `/admin/v1/cards/${encodeURIComponent(iccsn)}`;
  const body = { confirm, ...(konnektor !== undefined && { konnektor }) };
  const asked = await call('POST', `${card}/pin/${kind}`, body);
  if (asked.status >= 300) return refused(asked.json, o);
  let operation = asked.json as Operation;
  const place = await placeOf(operation, () => call('GET', '/admin/v1/cards'));
  o.progress(`card ${iccsn}: ${place} asks for the entry now (${ENTERED[kind]})\n`);
  while (operation.state === 'running') {
    await o.pause(POLL_MS);
    const { status, json } = await call('GET', `/admin/v1/pin-operations/${operation.id}`);
    if (status >= 300) return refusal(json, o.json);
    operation = json as Operation;
  }
  const code = operation.state === 'ended' && operation.code === null ? 0 : 1;
  if (o.json) return printJson(operation, code);
  const next = code === 0 && kind !== 'verify' ? await nextAfter(iccsn, () => call('GET', `${card}/pin`)) : '';
  return { text: `${kind} of card ${iccsn}: ${endOf(operation)}\n${next}`, code };
}

const ENTERED: Record<PinKind, string> = {
  verify: 'the PIN',
  change: 'the old PIN or transport PIN, then the new one twice',
  unblock: 'the PUK, then a new PIN twice',
};

/** The terminal by its name in the settings of the Konnektor, as it was last seen. */
async function placeOf({ iccsn, konnektor }: Operation, ask: () => ReturnType<typeof callAdmin>): Promise<string> {
  const { json } = await ask();
  const cards = (json.cards ?? []) as { iccsn: string; konnektor: string; ctId: string; slotId: number }[];
  const card = cards.find((one) => one.iccsn === iccsn && one.konnektor === konnektor);
  return card === undefined
    ? `its terminal at Konnektor ${konnektor}`
    : `terminal ${card.ctId} (slot ${card.slotId}, Konnektor ${konnektor})`;
}

/** A new PIN is not a verified one: the card cannot sign yet. */
async function nextAfter(iccsn: string, ask: () => ReturnType<typeof callAdmin>): Promise<string> {
  const { json } = await ask();
  return json.state === 'verifiable' ? `  The card cannot sign yet. Next: epa-gateway pin verify ${iccsn}\n` : '';
}

function endOf({ kind, iccsn, state, result, leftTries, code, konnektorCode, heldUntil }: Operation): string {
  if (state === 'ended' && code === null) return 'done';
  const secret = kind === 'unblock' ? 'PUK' : kind === 'change' ? 'old PIN' : 'PIN';
  const left =
    leftTries === null
      ? ''
      : `, ${leftTries} ${leftTries === 1 ? 'try' : 'tries'}${secret === 'PUK' ? ' of the PUK' : ''} left`;
  const what =
    code === 'PIN_REJECTED'
      ? `the ${secret} entered was wrong${left}`
      : (PLAIN[result === 'NOWBLOCKED' ? `${result} ${kind}` : (code ?? '')] ??
        (code === null ? state : `ended without success${left}`));
  const remedy =
    code === 'PIN_REJECTED' ? `Ask again only with the right ${secret} at hand.` : forCard(remedyOf(code ?? ''), iccsn);
  const raw = [code, ...(konnektorCode === null ? [] : [`Konnektor code ${konnektorCode}`])].join(', ');
  const held = heldUntil == null ? '' : `\n  The card takes no other entry before ${heldUntil}.`;
  return `${what} (${raw})\n  ${remedy}${held}`;
}

const PLAIN: Record<string, string> = {
  'NOWBLOCKED verify': 'the PIN entered was wrong, and the card is blocked now',
  'NOWBLOCKED change': 'the old PIN entered was wrong, and the card is blocked now',
  'NOWBLOCKED unblock': 'the PUK entered was wrong, and it is used up now',
  SMCB_PIN_BLOCKED: 'the card is blocked',
  SMCB_PUK_BLOCKED: 'the PUK is used up',
  SMCB_PIN_TRANSPORT: 'the card still has its transport PIN',
  PIN_NEW_DIFFERS: 'the two entries of the new PIN differ; nothing was changed',
  PIN_LENGTH_WRONG: 'the new PIN has the wrong length; nothing was changed',
  PIN_ENTRY_ENDED: 'cancelled, or nobody typed in time',
  PIN_OUTCOME_UNKNOWN: 'nobody knows how it ended',
};

/** Why it was not begun, in terms of this command line. */
function refused(json: Record<string, unknown>, o: PinAsking): Printed {
  if (o.json) return printJson(json, 1);
  const { kind, iccsn } = o;
  const pin = json.pin as PinState | undefined;
  const running = json.operation as Operation | undefined;
  if (json.code === 'PIN_STATE_UNFIT' && pin !== undefined)
    return said(`card ${iccsn}: ${unfit(kind, pin.state)}`, UNFIT[pin.state]?.(iccsn) ?? String(json.remedy));
  if (json.code === 'PIN_OPERATION_RUNNING' && running !== undefined) {
    const until = running.heldUntil == null ? '' : `, until ${running.heldUntil} at most`;
    const by = `${running.kind}, asked for by ${running.askedBy} at ${running.since} (Konnektor ${running.konnektor})${until}`;
    return said(`PIN_OPERATION_RUNNING: ${json.detail}`, by, 'Wait for its end; nothing is asked twice.');
  }
  if (json.code === 'PIN_CONFIRM_NEEDED') {
    const what = kind === 'unblock' ? 'PUK' : kind === 'change' ? 'old PIN or transport PIN' : 'PIN';
    const why = `Make sure of the right ${what} first: a wrong one may block the card or destroy it for good.`;
    return said(`PIN_CONFIRM_NEEDED: ${json.detail}`, why, `Then: epa-gateway pin ${kind} ${iccsn} --confirm`);
  }
  const { text } = refusal(json, false);
  return { text: forCard(text, iccsn), code: 1, refused: true };
}

const said = (...lines: string[]): Printed => ({ text: `${lines.join('\n  ')}\n`, code: 1, refused: true });

const unfit = (kind: PinKind, state: string) =>
  `the PIN is ${state}, ${kind} does not fit (PIN_STATE_UNFIT); nobody was asked`;

const UNFIT: Record<string, ((iccsn: string) => string) | undefined> = {
  verified: () => 'The card can sign: nothing to do.',
  verifiable: (iccsn) => `It must be entered: epa-gateway pin verify ${iccsn}`,
  blocked: (iccsn) => `It must be unblocked with the PUK: epa-gateway pin unblock ${iccsn}`,
  'transport-pin': (iccsn) => `The transport PIN must be changed first: epa-gateway pin change ${iccsn}`,
};
