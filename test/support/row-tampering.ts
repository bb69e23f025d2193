// Rows of a house tampered with through a second connection that knows nothing of the vault, for the tests of their seals.
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { asGatewayError } from '../../gateway/errors.ts';
import { verifyRows } from '../../gateway/exports/row-audit.ts';
import type { TestHouse } from './gateway-fakes.ts';
import { workOff } from './house-steps.ts';

export const code = (work: Promise<unknown>) =>
  work.then(
    () => 'sound',
    (thrown) => asGatewayError(thrown).code,
  );

/** Lets the worker of the house run, tampers with its store, and tells what is found. */
export function rowTampering(house: () => TestHouse) {
  const go = () => workOff(house());
  /** A second connection that knows nothing of the vault. */
  function tamper(run: (db: DatabaseSync) => void): void {
    const db = new DatabaseSync(join(house().directory, 'gateway.db'), { enableForeignKeyConstraints: false });
    try {
      run(db);
    } finally {
      db.close();
    }
  }
  /** What brings rows back as they are now, seals of their kinds included. */
  function snapshot(...tables: string[]): () => void {
    const kept = new Map<string, Record<string, unknown>[]>();
    tamper((db) => {
      for (const table of tables) kept.set(table, db.prepare(`SELECT * FROM ${table}`).all());
    });
    return () =>
      tamper((db) => {
        for (const [table, rows] of kept) {
          db.exec(`DELETE FROM ${table}`);
          for (const row of rows) {
            const names = Object.keys(row);
            db.prepare(`INSERT INTO ${table.split(' ')[0]} (${names}) VALUES (${names.map(() => '?')})`).run(
              ...(Object.values(row) as string[]),
            );
          }
        }
      });
  }
  const findings = async () => (await verifyRows(house().db)).findings.map(({ kind }) => kind);
  return { go, tamper, snapshot, findings };
}
