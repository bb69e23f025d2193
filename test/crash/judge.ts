// What must be true after any number of crashes (EXP-03 to EXP-08): the record holds each version once, each replacing the one
// before, the receipts say the same, and the events tell each export's way without a gap.
import type { Simulator } from '../../connector-sim/main.ts';
import type { ExportView, StoredDocument } from '../support/world.ts';

export type Posted = {
  kvnr: string;
  version: number;
  key: string;
  body: object;
  sha256: string;
  id: string;
  repeats: number;
};
export type Written = Posted & { view: ExportView };
export type Verdict = { accepted: number; written: number; lost: number; doubled: number; faults: string[] };
type Told = { seq: number; type: string; export: string };

/** One series against the record: each version once, each replacing the one before, the receipt saying the same. */
export async function judge(sim: Simulator, series: Written[], cell: Verdict): Promise<void> {
  const kvnr = series[0]?.kvnr;
  const answer = await fetch(`${sim.ready.control}/sim/records/${kvnr}/documents?trimmed=true`, {
    headers: { connection: 'close' },
  });
  const record = (await answer.json()) as StoredDocument[];
  const must = (holds: boolean, fault: string) => {
    if (!holds) cell.faults.push(fault);
  };
  cell.accepted += new Set(series.map((one) => one.id)).size;
  cell.doubled += record.filter((document) => !series.some((one) => one.sha256 === document.sha256)).length;
  for (const [index, { version, sha256, view }] of series.entries()) {
    const times = record.filter((document) => document.sha256 === sha256).length;
    cell.written += view.status === 'written' ? 1 : 0;
    cell.lost += view.status === 'written' && times > 0 ? 0 : 1;
    cell.doubled += Math.max(times - 1, 0);
    const before = series[index - 1]?.view.document.entryUuid ?? null;
    const there = record[index];
    must(view.status === 'written', `version ${version}: ${view.status} ${view.reason?.code}`);
    must(there?.sha256 === sha256, `version ${version}: the record has another document in its place`);
    must(there?.entryUuid === view.document.entryUuid, `version ${version}: the receipt names another document`);
    must(there?.replaces === before, `version ${version}: does not replace its predecessor`);
    must(there?.status === (version === series.length ? 'Approved' : 'Deprecated'), `version ${version}: wrong status`);
    must(view.document.version === version, `version ${version}: the receipt says ${view.document.version}`);
    must(view.document.replaces === before, `version ${version}: the receipt names another target`);
    const steps = view.timeline.map((one) => one.step);
    const whole = steps[0] === 'accepted' && steps.at(-1) === 'written' && steps.includes('sent');
    must(whole && steps.indexOf('written') === steps.length - 1, `version ${version}: its timeline has a gap`);
  }
}

/** Every event of the DiGA, read by pages. */
export async function eventsOf(
  get: (path: string) => Promise<{ body: { events: { seq: number; type: string; data: { id: string } }[] } }>,
): Promise<Told[]> {
  const told: Told[] = [];
  for (;;) {
    const { body } = await get(`/v1/events?limit=200&after=${told.at(-1)?.seq ?? 0}`);
    if (body.events.length === 0) return told;
    told.push(...body.events.map(({ seq, type, data }) => ({ seq, type, export: data.id })));
  }
}

/** Which status may follow which: whatever else follows is a gap or a double. */
const NEXT: Readonly<Record<string, readonly string[]>> = {
  '': ['queued'],
  queued: ['running'],
  running: ['queued', 'unclear', 'waiting', 'written'],
  unclear: ['running'],
  waiting: ['queued', 'running'],
  written: [],
};

/** What is wrong with the events of one written export: from queued to written, each change once, the numbers rising. */
export function eventFaults(told: readonly Told[], { version, id, view }: Written): string[] {
  const faults: string[] = [];
  let before = '';
  let seq = 0;
  for (const event of told.filter((one) => one.export === id)) {
    const status = event.type.replace('export.', '');
    if (NEXT[before]?.includes(status) !== true) faults.push(`version ${version}: event ${status} after "${before}"`);
    if (event.seq <= seq) faults.push(`version ${version}: event ${event.seq} after ${seq}`);
    before = status;
    seq = event.seq;
  }
  if (before !== view.status) faults.push(`version ${version}: its last event is "${before}"`);
  return faults;
}
