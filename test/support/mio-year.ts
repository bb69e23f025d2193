// A sensor that measures glucose every five minutes, 288 times a day, and the exports of a DiGA that gives all its values each time
// (mio-diga.md sections 9 and 10): split, built and written part after part.
import { createHash, randomUUID } from 'node:crypto';
import { assembleBundle } from '../../mio/build/bundle.ts';
import { readSimple } from '../../mio/build/content.ts';
import type { PartMemory } from '../../mio/build/draft.ts';
import type { Entry } from '../../mio/build/kind.ts';
import { readMemory, writeMemory } from '../../mio/build/memory.ts';
import { draftsOfSimple } from '../../mio/build/simple.ts';
import { numberOf, type Resource } from '../../mio/model.ts';
import { measureXml, splitDrafts } from '../../mio/split.ts';
import { xmlPieces } from '../../mio/xml-write.ts';
import { app, digest, identify, KVNR, tables } from './mio-build.ts';

export const VALUES_A_DAY = 288;

/** The same value for the same moment, whatever the number of days. `first` is a day. */
export function sensorValues(first: string, days: number, perDay = VALUES_A_DAY): Entry[] {
  const start = Temporal.PlainDate.from(first).toZonedDateTime('Europe/Berlin').toInstant();
  return Array.from({ length: days * perDay }, (_, n) => {
    const at = start.add({ seconds: (n * 86_400) / perDay }).toZonedDateTimeISO('Europe/Berlin');
    return {
      kind: 'glucose',
      id: `g-${n}`,
      at: at.toString({ timeZoneName: 'never', smallestUnit: 'second' }),
      value: numberOf(String(80 + Math.round(40 + 40 * Math.sin(n / 40)) + (n % 7))) ?? 0,
      unit: 'mg/dL',
      material: 'interstitial',
      device: 'sensor-1',
      by: 'device',
    };
  });
}

export type WrittenPart = { name: string | null; bytes: number; sha256: string; unchanged: boolean; bundle: Resource };

/** What is in the record, by part, with what is remembered of it. */
export type YearRecord = Map<string | null, { sha256: string; memory: string }>;

/** One export of all values; gives what was written, in the order of writing, and keeps it in the record. */
export function* exportAll(
  entries: Entry[],
  given: { record: YearRecord; now: string; limit?: number | undefined },
): Generator<WrittenPart> {
  const { record, now, limit } = given;
  const read = readSimple({ mode: 'simple', entries }, tables);
  if (read.content === undefined) throw new Error(JSON.stringify(read.findings.slice(0, 3)));
  const { drafts, period } = draftsOfSimple(read.content, { tables, app, insured: { kvnr: KVNR }, identify });
  const { shapes } = tables.core;
  const memories = new Map([...record].map(([name, { memory }]) => [name, readMemory(memory)]));
  const before = [...memories].map(([name, memory]) => ({ name, ...memory }));
  const split = splitDrafts(drafts, { measure: measureXml(shapes), before, period, now, ...(limit && { limit }) });
  if (split.count === 0) throw new Error(JSON.stringify(split.findings));
  for (const part of split.parts()) {
    const others: PartMemory[] = [...memories].flatMap(([name, memory]) => (name === part.name ? [] : [memory]));
    const { bundle, memory, unchanged } = assembleBundle({
      part,
      tables,
      memory: memories.get(part.name),
      elsewhere: others,
      bundleId: randomUUID(),
      now,
      identify,
      digest,
    });
    const hash = createHash('sha256');
    let bytes = 0;
    for (const piece of xmlPieces(bundle, shapes)) {
      hash.update(piece);
      bytes += piece.length;
    }
    const sha256 = hash.digest('hex');
    record.set(part.name, { sha256, memory: writeMemory(memory) });
    yield { name: part.name, bytes, sha256, unchanged, bundle };
  }
}
