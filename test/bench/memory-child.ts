// A process that does one thing with a file and says how much memory it had at most. Only what the thing needs is loaded.
import { createReadStream, readFileSync } from 'node:fs';

const [task = '', file = ''] = process.argv.slice(2);

const tasks: Record<string, () => Promise<unknown>> = {
  /** As a document comes in: from a stream. */
  'parse-ours': async () => {
    const { readXmlStream } = await import('../../mio/xml-read.ts');
    return readXmlStream(createReadStream(file), await shapes());
  },
  'parse-fhir': async () => (await fhir()).xmlToObj(readFileSync(file, 'utf8')),
  /** As a body comes in and a document goes out. */
  'build-ours': async () => {
    const { readJsonStream } = await import('../../mio/json.ts');
    const { xmlPieces } = await import('../../mio/xml-write.ts');
    const { value } = await readJsonStream(createReadStream(file));
    let bytes = 0;
    for (const piece of xmlPieces(value as Parameters<typeof xmlPieces>[0], await shapes())) bytes += piece.length;
    return bytes;
  },
  'build-fhir': async () => Buffer.from((await fhir()).objToXml(JSON.parse(readFileSync(file, 'utf8')))).length,
};

async function shapes() {
  const { CoreTables } = await import('../../mio/tables.ts');
  return new CoreTables().shapes;
}

async function fhir() {
  const { Fhir } = await import('fhir/fhir.js');
  return new Fhir();
}

const kept = await tasks[task]?.();
if (kept === undefined) throw new Error(`no such task: ${task}`);
// maxRSS is in units of 1024 bytes.
process.stdout.write(`${(process.resourceUsage().maxRSS * 1024) / 1e6}\n`);
