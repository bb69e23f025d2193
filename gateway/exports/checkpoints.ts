// Named places between accepting an export and its receipt, at which whoever starts the gateway from code may stop it: the
// crash matrix kills the process there (test/crash). In the program nobody listens, and nothing but the name is known here.
import type { Database, Queries } from './database.ts';

/** The durable turns of an export and of the keys: each one transaction. */
export type Turn =
  | 'accept'
  | 'claim'
  | 'sent'
  | 'refused'
  | 'settle'
  | 'recover'
  /** A step of a key rotation: the new generation, some wrapped keys, the end. */
  | 'rotate'
  /** Of a start: wrapped under a new master key. */
  | 'rekey'
  /** Of a start: the schema of an older gateway is raised. */
  | 'migrate';

export type CheckpointName =
  | `${Turn}.${'before' | 'committing' | 'committed'}`
  /** A chunk of a document lies in the store and belongs to no export yet. */
  | 'stage.chunk'
  /** The export is stored, its 202 is about to leave. */
  | 'accept.answering'
  /** The document's message is on the wire: at its first chunk of content, and with its last byte. */
  | 'write.content'
  | 'write.left'
  /** The answer is here and not yet judged. */
  | 'write.answered'
  /** Content key and chunks in the transaction of the receipt, and their pages in the write-ahead log. */
  | 'erase.before'
  | 'erase.after'
  | 'pages.before'
  | 'pages.after'
  /** Of a start: the store is open at its schema, then the DiGAs' keys are there. */
  | 'start.store'
  | 'start.keys';

export type Checkpoint = (name: CheckpointName) => void | Promise<void>;

/** One durable turn: all of `run` or nothing of it. */
export async function durably<T>(
  db: Database,
  o: { turn: Turn; checkpoint?: Checkpoint | undefined },
  run: (tx: Queries) => Promise<T>,
): Promise<T> {
  await o.checkpoint?.(`${o.turn}.before`);
  const result = await db.transaction().execute(async (tx) => {
    const done = await run(tx);
    await o.checkpoint?.(`${o.turn}.committing`);
    return done;
  });
  await o.checkpoint?.(`${o.turn}.committed`);
  return result;
}
