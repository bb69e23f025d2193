// `epa-gateway cards` and `epa-gateway pin verify|change|unblock ICCSN` for operators (KON-07, D9): what the admin listener of the running
// gateway answers, as tables for people or as JSON. `pin` waits for the end of the entry at the terminal; it never takes a PIN.
import { type AdminCallOptions, callAdmin } from './admin-call.ts';
import type { CardView, KonnektorView, TerminalView } from './cards/card-views.ts';
import type { PinKind } from './cards/pin-rows.ts';
import type { Settings } from './config.ts';

export type CommandResult = { text: string; code: 0 | 1 };
type Asking = AdminCallOptions & { json: boolean };

/** Konnektors, terminals and cards, looked at now. 1: something stands in the way of a card of a DiGA, or of all of them. */
export async function cardsCommand(settings: Settings, o: Asking): Promise<CommandResult> {
  const ask = (path: string) => callAdmin(settings, { method: 'GET', path }, { ...o, role: 'operator' });
  // The first looks; what the others show then is as fresh.
  const answers = [
    await ask('/admin/v1/konnektors?fresh=true'),
    await ask('/admin/v1/terminals'),
    await ask('/admin/v1/cards'),
  ];
  const refused = answers.find(({ status }) => status >= 300);
  if (refused !== undefined) return refusal(refused.json, o.json);
  const all = Object.assign({}, ...answers.map(({ json }) => json)) as {
    konnektors: KonnektorView[];
    terminals: TerminalView[];
    cards: CardView[];
    digas: { diga: string; iccsn: string | null; code: string | null }[];
  };
  const code = all.digas.some((diga) => diga.code !== null) ? 1 : 0;
  if (o.json) return { text: `${JSON.stringify(all)}\n`, code };
  const { konnektors, terminals, cards, digas } = all;
  const text = [
    table(
      ['KONNEKTOR', 'STATE', 'TI', 'SINCE'],
      konnektors.map((k) => [
        k.id,
        stateOf(k.code),
        k.vpnTi === null ? '-' : k.vpnTi.online ? 'online' : 'offline',
        k.since ?? '-',
      ]),
    ),
    table(
      ['TERMINAL', 'KONNEKTOR', 'NAME', 'STATE'],
      terminals.map((t) => [t.ctId, t.konnektor, t.name, stateOf(t.code)]),
    ),
    table(
      ['CARD', 'TYPE', 'KONNEKTOR', 'PLACE', 'DIGA', 'PIN', 'TRIES', 'UNTIL', 'STATE'],
      cards.map((c) => [
        ...[c.iccsn, c.cardType, c.konnektor, `${c.ctId}/${c.slotId}`, c.diga ?? '-', c.pin.state],
        ...[c.pin.leftTries?.toString() ?? '-', c.certificateExpires?.slice(0, 10) ?? '-'],
        `${stateOf(c.code)}${c.inUse ? ', in use' : ''}${c.chosen ? ', chosen' : ''}`,
      ]),
    ),
    table(
      ['DIGA', 'CARD', 'STATE'],
      digas.map((d) => [d.diga, d.iccsn ?? '-', stateOf(d.code)]),
    ),
    remedies([...konnektors, ...terminals, ...cards]),
  ];
  return { text: text.filter((part) => part !== '').join('\n'), code };
}

const stateOf = (code: string | null) => code ?? 'ok';

/** Each code once, with what to do. */
function remedies(rows: readonly { code: string | null; remedy: { en: string } | null }[]): string {
  const known = new Map(rows.map(({ code, remedy }) => [code, remedy]));
  return [...known]
    .map(([code, remedy]) => (code === null || remedy === null ? '' : `${code}: ${remedy.en}\n`))
    .join('');
}

/** Columns as wide as their longest value. */
function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  if (rows.length === 0) return '';
  const all = [head, ...rows];
  const widths = head.map((_, n) => Math.max(...all.map((row) => (row[n] ?? '').length)));
  return all
    .map(
      (row) =>
        `${row
          .map((cell, n) => cell.padEnd(widths[n] ?? 0))
          .join('  ')
          .trimEnd()}\n`,
    )
    .join('');
}

type Operation = {
  id: string;
  kind: string;
  iccsn: string;
  state: 'running' | 'ended' | 'unknown';
  result: string | null;
  leftTries: number | null;
  code: string | null;
  remedy: { de: string; en: string } | null;
  heldUntil: string | null;
};

const POLL_MS = 1_000;

/** Asks for the entry and waits for its end. 0: done, 1: refused, or it ended otherwise. */
export async function pinCommand(
  settings: Settings,
  o: Asking & {
    kind: PinKind;
    iccsn: string;
    confirm: boolean;
    konnektor?: string | undefined;
    pause: (ms: number) => Promise<void>;
    /** Told to the person while the entry is open. */
    progress: (text: string) => void;
  },
): Promise<CommandResult> {
  const { kind, iccsn, confirm, konnektor } = o;
  const asking = { ...o, role: 'operator' as const };
  const body = { confirm, ...(konnektor !== undefined && { konnektor }) };
  const path = `/admin/v1/cards/${encodeURIComponent(iccsn)}/pin/${kind}`;
  const asked = await callAdmin(settings, { method: 'POST', path, body }, asking);
  if (asked.status >= 300) return refusal(asked.json, o.json);
  let operation = asked.json as Operation;
  o.progress(`card ${iccsn}: the terminal asks for the entry now\n`);
  while (operation.state === 'running') {
    await o.pause(POLL_MS);
    const { status, json } = await callAdmin(
      settings,
      { method: 'GET', path: `/admin/v1/pin-operations/${operation.id}` },
      asking,
    );
    if (status >= 300) return refusal(json, o.json);
    operation = json as Operation;
  }
  const code = operation.state === 'ended' && operation.code === null ? 0 : 1;
  if (o.json) return { text: `${JSON.stringify(operation)}\n`, code };
  const left = operation.leftTries === null ? '' : `, ${operation.leftTries} tries left`;
  const held = operation.heldUntil === null ? '' : `, no other entry before ${operation.heldUntil}`;
  const text = `${kind} of card ${iccsn}: ${operation.result ?? operation.state}${left}${held}\n`;
  return { text: operation.code === null ? text : `${text}${operation.code}: ${operation.remedy?.en ?? ''}\n`, code };
}

function refusal(json: Record<string, unknown>, asJson: boolean): CommandResult {
  if (asJson) return { text: `${JSON.stringify(json)}\n`, code: 1 };
  const { operation } = json as { operation?: Operation };
  const held =
    operation?.heldUntil == null ? '' : `  held until ${operation.heldUntil} at most (operation ${operation.id})\n`;
  return { text: `${json.code}: ${json.detail}\n  ${json.remedy}\n${held}`, code: 1 };
}
