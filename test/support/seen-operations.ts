// What the record systems of the whole suite saw from gateways (EXP-01), summed from the lines of counted simulators and of
// simulators in processes of their own; everything a DiGA may not do, and every hole in the count, is a fault.

/** Record status, the channel and its certificate, the login, and Provide-and-Register: nothing else is allowed to a DiGA. */
export const ALLOWED = [
  'information.ehr',
  'vau.handshake',
  'vau.data',
  'certdata',
  'VAU-Status',
  'getNonce',
  'send_authorization_request_sc',
  'send_authcode_sc',
  'ITI-41',
] as const;

type Line = { by: string; started?: string; ended?: string; seen?: Record<string, Record<string, number>> };

export type SeenOperations = { simulators: number; table: string; faults: string[] };

/** `text`: the lines as they were written down. `whole`: the whole suite ran, so something must have been written. */
export function sumOperations(text: string, whole: boolean): SeenOperations {
  const lines = text.split('\n').filter((line) => line !== '');
  const faults: string[] = [];
  const sums = new Map<string, { count: number; by: Set<string> }>();
  const open = new Map<string, string>();
  let simulators = 0;
  for (const line of lines) {
    const { by, started, ended, seen } = JSON.parse(line) as Line;
    if (started !== undefined) open.set(started, by);
    if (ended !== undefined) open.delete(ended);
    if (seen !== undefined) simulators += 1;
    for (const operations of Object.values(seen ?? {}))
      for (const [operation, count] of Object.entries(operations)) {
        const sum = sums.get(operation) ?? { count: 0, by: new Set() };
        sums.set(operation, { count: sum.count + count, by: sum.by.add(by) });
      }
  }
  for (const [operation, { count, by }] of sums)
    if (!ALLOWED.some((allowed) => allowed === operation))
      faults.push(`${operation}: ${count} times, in ${[...by].join(', ')}`);
  for (const by of open.values()) faults.push(`a simulator of ${by} was never stopped: what it saw is not known`);
  if (whole && (sums.get('ITI-41')?.count ?? 0) === 0) faults.push('no document was written: nothing was counted');
  const rows = [...ALLOWED].map((operation) => `  ${operation.padEnd(32)}${sums.get(operation)?.count ?? 0}`);
  const table = `what ${simulators} simulators saw of gateways on their record systems (EXP-01)\n${rows.join('\n')}\n`;
  return { simulators, table, faults };
}
