// Verifies the audit trail (SEC-09): every entry against the chain, the chain against the signed checkpoints in the store and
// beside it. Finds what was changed, taken out, put in, moved, cut or rewritten, and names the first place. Only reads; pages
// through the trail, so it also runs while a gateway appends.
import type { AuditKeys } from '../vault/audit-keys.ts';
import { readAudit, readHead } from './audit.ts';
import { entryHash, GENESIS } from './audit-chain.ts';
import { type AuditCheckpoint, type CheckpointFile, checkpointBytes } from './audit-checkpoint-file.ts';
import type { Queries } from './database.ts';
import type { AuditRow } from './schema.ts';

export type AuditFinding = {
  /** The first entry concerned. */
  seq: number;
  check:
    | 'missing'
    | 'changed'
    | 'hash-changed'
    | 'moved'
    | 'foreign'
    | 'truncated'
    | 'rewritten'
    | 'checkpoint-changed'
    | 'checkpoint-missing'
    | 'file-missing'
    | 'file-changed'
    | 'file-cut'
    | 'key-missing';
  message: string;
};

export type AuditReport = {
  ok: boolean;
  entries: number;
  head: { seq: number; hash: string };
  /** Up to this entry a checkpoint vouches for the trail; behind it only the store itself does. */
  covered: number;
  checkpoints: { store: number; file: number };
  publicKey: string | null;
  firstBroken: number | null;
  /** By place; the first hundred. */
  findings: AuditFinding[];
};

const PAGE = 2000;
const MOST_FINDINGS = 100;
/** How far a run of entries is looked for that was moved as a whole; farther away it is called foreign. */
const SHIFTED_AT_MOST = 1000;

export async function verifyAudit(o: {
  db: Queries;
  /** undefined: the store holds no key of the trail. */
  keys: AuditKeys | undefined;
  /** undefined: there is no file. */
  file: CheckpointFile | undefined;
}): Promise<AuditReport> {
  // Checkpoints first: what is appended meanwhile is then no contradiction.
  const stored = await o.db.selectFrom('audit_checkpoints').selectAll().orderBy('seq').execute();
  const filed = o.file?.checkpoints ?? [];
  const trail = await walk(o.db, new Set([...stored, ...filed].map((c) => c.seq)));
  const findings = [...trail.findings, ...judgeKey(o, stored), ...judgeFile(o.file, stored)];
  // The very first one follows its entry.
  if (trail.entries > 1 && stored.length === 0)
    findings.push({ seq: 1, check: 'checkpoint-missing', message: 'there is no checkpoint in the store' });
  let covered = 0;
  const judge = (c: AuditCheckpoint, where: 'store' | 'file', keys: AuditKeys) => {
    const finding = judgeCheckpoint(c, { ...trail, keys, where });
    if (finding === undefined) covered = Math.max(covered, c.seq);
    else findings.push(finding);
  };
  if (o.keys !== undefined) {
    for (const c of stored) judge(c, 'store', o.keys);
    for (const c of filed) judge(c, 'file', o.keys);
  }
  findings.sort((a, b) => a.seq - b.seq);
  return {
    ok: findings.length === 0,
    entries: trail.entries,
    head: trail.head,
    covered,
    checkpoints: { store: stored.length, file: filed.length },
    publicKey: o.keys?.publicKey ?? null,
    firstBroken: findings[0]?.seq ?? null,
    findings: findings.slice(0, MOST_FINDINGS),
  };
}

type Trail = {
  entries: number;
  head: { seq: number; hash: string };
  hashes: Map<number, string>;
  findings: AuditFinding[];
};

/** The whole chain, oldest first; keeps the hashes at `wanted`. */
async function walk(db: Queries, wanted: ReadonlySet<number>): Promise<Trail> {
  const findings: AuditFinding[] = [];
  const hashes = new Map<number, string>();
  let entries = 0;
  let head = { seq: 0, hash: GENESIS };
  for (;;) {
    // One more than is looked at: the entry behind tells what is wrong with one.
    const page = await readAudit(db, { after: head.seq, limit: PAGE + 1 });
    for (const [index, row] of page.slice(0, PAGE).entries()) {
      const gap = row.seq !== head.seq + 1;
      if (gap) findings.push(missing(head.seq + 1, row.seq - 1));
      // Behind a gap the hash before is gone; the entry itself still binds the next one.
      else if (entryHash(row, head.hash) !== row.hash && findings.length < MOST_FINDINGS)
        findings.push(await diagnose(db, { row, before: head.hash, next: page[index + 1] }));
      if (wanted.has(row.seq)) hashes.set(row.seq, row.hash);
      head = { seq: row.seq, hash: row.hash };
      entries += 1;
    }
    if (page.length <= PAGE) return { entries, head, hashes, findings };
  }
}

function missing(first: number, last: number): AuditFinding {
  const message = first === last ? `entry ${first} is missing` : `entries ${first} to ${last} are missing`;
  return { seq: first, check: 'missing', message };
}

/** What happened to an entry whose hash does not follow from it and from the entry before. */
async function diagnose(
  db: Queries,
  o: { row: AuditRow; before: string; next: AuditRow | undefined },
): Promise<AuditFinding> {
  const { row, next } = o;
  const follows = (hash: string) => next !== undefined && entryHash(next, hash) === next.hash;
  if (follows(entryHash(row, o.before)))
    return { seq: row.seq, check: 'hash-changed', message: `the hash of entry ${row.seq} was changed` };
  const place = await writtenAs(db, row);
  if (place !== undefined)
    return {
      seq: row.seq,
      check: 'moved',
      message: `entry ${row.seq} was written as number ${place}: entries were moved, put in or taken out`,
    };
  if (follows(row.hash) || next === undefined)
    return { seq: row.seq, check: 'changed', message: `entry ${row.seq} was changed` };
  return { seq: row.seq, check: 'foreign', message: `entry ${row.seq} is not the one that was written here` };
}

/** The number under which exactly this entry is right, judged by the hashes that stand in the trail now. */
async function writtenAs(db: Queries, row: AuditRow): Promise<number | undefined> {
  const hashes = new Map<number, string>([[0, GENESIS]]);
  const last = (await readHead(db)).seq;
  for (let after = 0; after < last; after += PAGE) {
    const page = await db
      .selectFrom('audit')
      .select(['seq', 'hash'])
      .where('seq', '>', after)
      .where('seq', '<=', after + PAGE)
      .execute();
    for (const { seq, hash } of page) hashes.set(seq, hash);
  }
  const was = (seq: number, before: string | undefined) =>
    before !== undefined && entryHash({ ...row, seq }, before) === row.hash;
  for (const [seq, hash] of hashes) if (was(seq + 1, hash)) return seq + 1;
  // What stands around it moved with it.
  for (let by = 1; by <= SHIFTED_AT_MOST; by++)
    for (const seq of [row.seq - by, row.seq + by]) if (was(seq, hashes.get(row.seq - 1))) return seq;
  return was(row.seq + 1, hashes.get(row.seq + 1)) ? row.seq + 1 : undefined;
}

function judgeCheckpoint(
  c: AuditCheckpoint,
  o: Pick<Trail, 'head' | 'hashes'> & { keys: AuditKeys; where: 'store' | 'file' },
): AuditFinding | undefined {
  const at = new Date(c.at).toISOString();
  if (!o.keys.verify(checkpointBytes(c), Buffer.from(c.signature, 'base64')))
    return {
      seq: c.seq,
      check: o.where === 'file' ? 'file-changed' : 'checkpoint-changed',
      message: `the checkpoint at entry ${c.seq} in the ${o.where} does not bear this gateway's signature`,
    };
  if (c.seq > o.head.seq)
    return {
      seq: o.head.seq + 1,
      check: 'truncated',
      message: `the trail ends at entry ${o.head.seq}, the checkpoint of ${at} in the ${o.where} saw entry ${c.seq}`,
    };
  if (o.hashes.get(c.seq) !== c.hash)
    return {
      seq: c.seq,
      check: 'rewritten',
      message: `entry ${c.seq} or entries before it were rewritten: the checkpoint of ${at} in the ${o.where} saw another hash`,
    };
  return undefined;
}

function judgeKey(
  o: { keys: AuditKeys | undefined; file: CheckpointFile | undefined },
  stored: readonly AuditCheckpoint[],
) {
  const expected = stored.length > 0 || o.file !== undefined;
  const finding = (message: string): AuditFinding[] => [{ seq: 1, check: 'key-missing', message }];
  if (o.keys === undefined) return expected ? finding('the key of the checkpoints is not in the store') : [];
  const named = o.file?.publicKey ?? null;
  if (named !== null && named !== o.keys.publicKey)
    return finding('the checkpoint file names another public key: the key in the store was replaced');
  return [];
}

/** The file against what the store knows of it. */
function judgeFile(file: CheckpointFile | undefined, stored: readonly AuditCheckpoint[]): AuditFinding[] {
  const first = stored[0];
  if (file === undefined)
    return first === undefined
      ? []
      : [{ seq: first.seq, check: 'file-missing', message: 'the checkpoint file is missing' }];
  const findings = file.unreadable.map((line): AuditFinding => {
    const seq = file.checkpoints[line - 3]?.seq ?? 1;
    return { seq, check: 'file-changed', message: `line ${line} of the checkpoint file cannot be read` };
  });
  const own = stored.filter((c) => c.writer === file.writer);
  const filed = new Set(file.checkpoints.map((c) => c.seq));
  for (const c of own)
    if (!filed.has(c.seq))
      findings.push({
        seq: c.seq,
        check: 'file-cut',
        message: `the checkpoint at entry ${c.seq} is not in the checkpoint file, which was cut`,
      });
  const known = new Set(own.map((c) => c.seq));
  const newest = own.at(-1)?.seq ?? 0;
  for (const [index, c] of file.checkpoints.entries()) {
    if (c.writer !== file.writer || c.seq <= (file.checkpoints[index - 1]?.seq ?? 0))
      findings.push({
        seq: c.seq,
        check: 'file-changed',
        message: `the checkpoint at entry ${c.seq} does not stand at its place in the checkpoint file`,
      });
    // The newest may be on its way: the file comes first.
    if (c.seq < newest && !known.has(c.seq))
      findings.push({
        seq: c.seq,
        check: 'checkpoint-missing',
        message: `the checkpoint at entry ${c.seq} is in the file and no more in the store`,
      });
  }
  return findings;
}
