// How a Konnektor itself is (TAB_KON_503, konnektor.md 2.1, 5): conditions that are switched on, what GetResourceInformation says of
// them, the events when they come and go, and that fatal ones stop its work.
import { type Markup, xml } from '../../wire/xml.ts';
import { CONDITIONS } from '../tables/operating-states.ts';
import { isUp } from './cards.ts';
import { emit } from './events.ts';
import type { KonnektorState } from './model.ts';

/** Begins or ends a condition of `CONDITIONS`, and tells of it; nothing where it is so already. */
export function setCondition(state: KonnektorState, name: string, o: { holds: boolean; now: number }): void {
  const known = CONDITIONS[name];
  if (known === undefined || state.conditions.has(name) === o.holds) return;
  if (o.holds) state.conditions.set(name, o.now);
  else state.conditions.delete(name);
  const { type, severity, meaning } = known;
  emit(state, {
    topic: `OPERATIONAL_STATE/${name}`,
    type,
    severity,
    parameters: [
      ['Value', String(o.holds)],
      ['Bedeutung', meaning],
    ],
  });
  if (name !== 'EC_No_VPN_TI_Connection') return;
  const topic = o.holds ? 'NETWORK/VPN_TI/DOWN' : 'NETWORK/VPN_TI/UP';
  emit(state, { topic, type: 'Operation', severity: 'Info', parameters: [] });
}

/** Whether it refuses to work (4002): a fatal condition holds. What only asks is answered all the same. */
export function isCritical(state: KonnektorState): boolean {
  return [...state.conditions.keys()].some((name) => CONDITIONS[name]?.severity === 'Fatal');
}

/** CONN:Connector: VPN states and one ErrorState per condition that holds, and for those that a client looks for in any case. */
export function connectorMarkup(state: KonnektorState, now: number): Markup {
  const at = new Date(now).toISOString();
  const conn = (name: string, ...content: (Markup | string)[]) => xml(`CONN:${name}`, {}, ...content);
  const errorState = (o: { name: string; type: string; severity: string; value: boolean; from: number }) =>
    conn(
      'ErrorState',
      conn('ErrorCondition', o.name),
      conn('Severity', o.severity),
      conn('Type', o.type),
      conn('Value', String(o.value)),
      conn('ValidFrom', new Date(o.from).toISOString()),
    );
  const always = ['EC_No_VPN_TI_Connection'];
  const shown = [...always, ...[...state.conditions.keys()].filter((name) => !always.includes(name))];
  const offline = state.conditions.has('EC_No_VPN_TI_Connection') || state.conditions.has('EC_No_Online_Connection');
  return conn(
    'Connector',
    conn('VPNTIStatus', conn('ConnectionStatus', offline ? 'Offline' : 'Online'), conn('Timestamp', at)),
    conn('VPNSISStatus', conn('ConnectionStatus', 'Offline'), conn('Timestamp', at)),
    conn(
      'OperatingState',
      ...shown.map((name) => {
        const { type, severity } = CONDITIONS[name] ?? { type: 'Operation', severity: 'Error' };
        const from = state.conditions.get(name) ?? state.startedAt;
        return errorState({ name, type, severity, value: state.conditions.has(name), from });
      }),
      ...[...state.terminals.values()].map((t) =>
        errorState({
          name: `EC_CardTerminal_Not_Available(${t.ctId})`,
          type: 'Operation',
          severity: 'Error',
          value: !isUp(t),
          // What was before its start a Konnektor has not seen.
          from: Math.max(state.startedAt, t.changedAt ?? 0),
        }),
      ),
    ),
  );
}
