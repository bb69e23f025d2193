// A process that does one thing with a file and says how much memory it had at most. Only what the thing needs is loaded.
import { readFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { ourShapes, theirFhir } from './sides.ts';

const [task = '', file = ''] = process.argv.slice(2);

const tasks: Record<string, () => Promise<unknown>> = {
  /** As a document comes in: from a stream. */
  'parse-ours': async () => {
    const { readXmlStream } = await import('../../mio/xml-read.ts');
    return readXmlStream(piecesOf(file), await ourShapes());
  },
  'parse-fhir': async () => (await theirFhir()).xmlToObj(readFileSync(file, 'utf8')),
  /** As a body comes in and a document goes out. */
  'build-ours': async () => {
    const { readJsonStream } = await import('../../mio/json.ts');
    const { writeXmlTo } = await import('../../mio/xml-write.ts');
    const { value } = await readJsonStream(piecesOf(file));
    return writeXmlTo(value as Parameters<typeof writeXmlTo>[0], await ourShapes(), () => undefined);
  },
  'build-fhir': async () => Buffer.from((await theirFhir()).objToXml(JSON.parse(readFileSync(file, 'utf8')))).length,
};

/** Piece by piece in the same memory, as a program reads that has an eye on it. */
async function* piecesOf(path: string): AsyncGenerator<Uint8Array> {
  const handle = await open(path);
  const piece = new Uint8Array(65_536);
  for (;;) {
    const { bytesRead } = await handle.read(piece);
    if (bytesRead === 0) break;
    yield piece.subarray(0, bytesRead);
  }
  await handle.close();
}

const kept = await tasks[task]?.();
if (kept === undefined) throw new Error(`no such task: ${task}`);
// Of this program: ru_maxrss begins with what the process had that started it. In units of 1024 bytes.
const [, peak] = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8')) ?? [];
process.stdout.write(`${(Number(peak) * 1024) / 1e6}\n`);
