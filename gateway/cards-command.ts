// `epa-gateway cards` and `epa-gateway cards activation|use ICCSN` for operators (KON-09, KON-10, D9): what the admin listener of the
// running gateway answers, as tables for people or as JSON. pin-command.ts has the entries at the terminal.
import { type AdminCallOptions, callAdmin } from './admin-call.ts';
import type { ActivationResult } from './cards/activation.ts';
import type { CardView, KonnektorView, TerminalView } from './cards/card-views.ts';
import { type Printed, printJson, refusal, remedyOf, table } from './command-text.ts';
import type { Settings } from './config.ts';
import { forCard } from './errors.ts';

type Asking = AdminCallOptions & { json: boolean };
type DigaLine = { diga: string; iccsn: string | null; code: string | null };
type Seen = { konnektors: KonnektorView[]; terminals: TerminalView[]; cards: CardView[]; digas: DigaLine[] };
/** What the listener says of one card's PIN beside what a look tells: an open entry, and the uses of the PUK that the last one told. */
type PinNow = {
  state: string;
  operation: {
    kind: string;
    state: string;
    leftTries: number | null;
    askedBy: string;
    since: string;
    heldUntil: string | null;
  } | null;
};

/** Of one that is not plugged anywhere the place is where it was last. */
const isPulled = ({ code }: CardView): boolean => code === 'SMCB_NOT_FOUND';

/** Konnektors, terminals and cards, looked at now. 1: a DiGA has no card that can sign. */
export async function cardsCommand(settings: Settings, o: Asking): Promise<Printed> {
  const ask = (path: string) => callAdmin(settings, { method: 'GET', path }, { ...o, role: 'operator' });
  // The first looks; what the others show then is as fresh.
  const answers = [
    await ask('/admin/v1/konnektors?fresh=true'),
    await ask('/admin/v1/terminals'),
    await ask('/admin/v1/cards'),
  ];
  const refused = answers.find(({ status }) => status >= 300);
  if (refused !== undefined) return refusal(refused.json, o.json);
  const all = Object.assign({}, ...answers.map(({ json }) => json)) as Seen;
  const code = all.digas.some((diga) => diga.code !== null) ? 1 : 0;
  if (o.json) return printJson(all, code);
  const pins = new Map<CardView, PinNow>();
  for (const card of all.cards) {
    if (!card.present || card.diga === null || card.pin.state === 'verified') continue;
    const { status, json } = await ask(
      `/admin/v1/cards/${card.iccsn}/pin?konnektor=${encodeURIComponent(card.konnektor)}`,
    );
    if (status < 300) pins.set(card, json as PinNow);
  }
  return { text: tables(all, pins), code };
}

function tables({ konnektors, terminals, cards, digas }: Seen, pins: ReadonlyMap<CardView, PinNow>): string {
  const away = new Map(konnektors.filter(({ reachable }) => reachable !== true).map((k) => [k.id, k.since]));
  /** Marked where nobody can have seen it just now. */
  const shown = (konnektor: string, text: string) => (away.has(konnektor) ? `(${text})` : text);
  const remedies = [
    ...konnektors.map((k) => said(`Konnektor ${k.id}`, k.code)),
    ...terminals.map((t) => (away.has(t.konnektor) ? '' : said(`terminal ${t.konnektor}/${t.ctId}`, t.code))),
    ...cards.map((c) =>
      away.has(c.konnektor)
        ? ''
        : said(
            `card ${c.iccsn} ${isPulled(c) ? 'pulled from' : 'in'} ${c.konnektor}/${c.ctId}, slot ${c.slotId}`,
            c.code,
            c.iccsn,
          ),
    ),
    // Said above where something else has the same code.
    ...digas.map((d) =>
      [...konnektors, ...terminals, ...cards].some((one) => one.code === d.code) ? '' : said(`DiGA ${d.diga}`, d.code),
    ),
  ].filter((text) => text !== '');
  const open = [...pins].flatMap(([{ iccsn }, { operation: of }]) =>
    of == null || of.heldUntil === null
      ? []
      : [
          `card ${iccsn}: ${of.kind} ${of.state === 'running' ? 'is' : 'may still be'} open at the terminal, asked for by ${of.askedBy} at ${of.since}; no other entry meanwhile, until ${of.heldUntil} at most\n`,
        ],
  );
  const parts = [
    table(
      ['KONNEKTOR', 'STATE', 'TI', 'SINCE'],
      konnektors.map((k) => [
        k.id,
        k.code ?? (k.reachable === null ? 'not looked at yet' : 'ok'),
        k.vpnTi === null ? '-' : k.vpnTi.online ? 'online' : 'offline',
        k.since ?? '-',
      ]),
    ),
    table(
      ['TERMINAL', 'KONNEKTOR', 'NAME', 'STATE'],
      terminals.map((t) => [t.ctId, t.konnektor, t.name, shown(t.konnektor, t.code ?? 'ok')]),
    ),
    table(
      ['CARD', 'TYPE', 'KONNEKTOR', 'PLACE', 'DIGA', 'PIN', 'TRIES', 'UNTIL', 'STATE'],
      cards.map((c) => [
        ...[c.iccsn, c.cardType, c.konnektor],
        ...[isPulled(c) ? `(${c.ctId}/${c.slotId})` : shown(c.konnektor, `${c.ctId}/${c.slotId}`), c.diga ?? '-'],
        ...[shown(c.konnektor, c.pin.state), triesOf(c, pins.get(c)), c.certificateExpires?.slice(0, 10) ?? '-'],
        stateOf(c, konnektors),
      ]),
    ),
    table(
      ['DIGA', 'CARD', 'STATE'],
      digas.map((d) => [d.diga, d.iccsn ?? '-', d.code ?? 'ok']),
    ),
    open.join(''),
    [...terminals, ...cards].some(({ konnektor }) => away.has(konnektor))
      ? [...away]
          .map(([id, at]) => `(…): as it was last seen; Konnektor ${id} does not answer since ${at ?? '-'}\n`)
          .join('')
      : '',
    remedies.join(''),
  ];
  return parts.filter((part) => part !== '').join('\n');
}

/** Of a blocked PIN it is the PUK that has tries, and only an entry of it has told how many. */
function triesOf({ pin }: CardView, now: PinNow | undefined): string {
  const puk = pin.state === 'blocked' && now?.operation?.kind === 'unblock' ? now.operation.leftTries : null;
  if (puk !== null) return `PUK ${puk}`;
  return pin.state === 'blocked' ? 'PUK ?' : (pin.leftTries?.toString() ?? '-');
}

/** An ended certificate is told beside what else is wrong: no entry of a PIN would help such a card. */
function stateOf(card: CardView, konnektors: readonly KonnektorView[]): string {
  const { code, certificateExpires: until, inUse, chosen } = card;
  const at = konnektors.find(({ id }) => id === card.konnektor)?.lookedAt ?? null;
  const ended = until !== null && at !== null && until < at && code !== 'CERTIFICATE_EXPIRED';
  const words = [code ?? 'ok', ...(ended ? ['CERTIFICATE_EXPIRED'] : [])];
  return [...words, ...(inUse ? ['in use'] : []), ...(chosen ? ['chosen'] : [])].join(', ');
}

/** What is amiss, with what to do for this very card. */
function said(what: string, code: string | null, iccsn?: string): string {
  if (code === null) return '';
  const remedy = remedyOf(code);
  return `${what}: ${code}\n  ${iccsn === undefined ? remedy : forCard(remedy, iccsn)}\n`;
}

/** The activation of a card, step by step (KON-10). 1: a step failed. Costs one signature where none does. */
export async function activationCommand(settings: Settings, o: Asking & { iccsn: string }): Promise<Printed> {
  const path = `/admin/v1/cards/${o.iccsn}/activation`;
  const { status, json } = await callAdmin(settings, { method: 'GET', path }, { ...o, role: 'operator' });
  if (status >= 300) return refusal(json, o.json);
  const result = json as ActivationResult;
  if (o.json) return printJson(result, result.ok ? 0 : 1);
  const mark = { ok: 'ok  ', failed: 'FAIL', open: '-   ' };
  const lines = result.steps.map(
    ({ step, state, code }) => `${mark[state]} ${step}${code === null ? '' : `: ${code}`}\n`,
  );
  const failed = result.steps.find(({ state }) => state === 'failed');
  const next = result.ok
    ? `ok: this card can sign for DiGA ${result.diga}. To change to it: epa-gateway cards use ${o.iccsn}\n`
    : `  ${forCard(failed?.remedy?.en ?? '', o.iccsn)}\n`;
  return {
    text: `card ${o.iccsn}, DiGA ${result.diga ?? '-'}, Konnektor ${result.konnektor ?? '-'}\n${lines.join('')}${next}`,
    code: result.ok ? 0 : 1,
  };
}

/** The change to a card (KON-09). 1: refused, and nothing has changed. */
export async function useCommand(
  settings: Settings,
  o: Asking & { iccsn: string; diga?: string | undefined },
): Promise<Printed> {
  const path = `/admin/v1/cards/${o.iccsn}/use`;
  const body = o.diga === undefined ? {} : { diga: o.diga };
  const { status, json } = await callAdmin(settings, { method: 'POST', path, body }, { ...o, role: 'operator' });
  if (status >= 300) return refusal(json, o.json);
  if (o.json) return printJson(json, 0);
  return { text: `DiGA ${json.diga} signs with card ${json.iccsn} from its next login on\n`, code: 0 };
}
