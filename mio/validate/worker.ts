// The thread of in-worker.ts: takes documents one after another and answers with findings. It opens no connection and sees no
// certificate, so it needs no brainpool guard (SEC-05).
import { parentPort } from 'node:worker_threads';
import { type Finding, MioError, type Place } from '../error.ts';
import { CoreTables, ToolkitTables } from '../tables.ts';
import { type DocumentOptions, validateDocument } from './document.ts';

export type Order = { bytes: Uint8Array; version: string; options: DocumentOptions };
export type Answer = { findings: Finding[] } | { code: string; message: string; place: Place };

const tables = new Map<string, ToolkitTables>();
let core: CoreTables | undefined;

parentPort?.on('message', (order: Order) => parentPort?.postMessage(answerTo(order)));

function answerTo({ bytes, version, options }: Order): Answer {
  try {
    return { findings: validateDocument(bytes, tablesOf(version), options) };
  } catch (error) {
    // Anything else is a fault of ours and ends the thread, which the pool tells.
    if (!(error instanceof MioError)) throw error;
    return { code: error.code, message: error.message, place: error.place };
  }
}

function tablesOf(version: string): ToolkitTables {
  core ??= new CoreTables();
  const known = tables.get(version) ?? new ToolkitTables(version, core);
  tables.set(version, known);
  return known;
}
