// A process that does one thing with a document again and again and says how many seconds it takes once. Only what the thing needs
// is loaded and in memory: a heap that holds what the other side made would have to be collected in this one's time.
import { readFileSync } from 'node:fs';
import { secondsOnce } from './measure.ts';
import { ourShapes, theirFhir } from './sides.ts';

const [task = '', file = ''] = process.argv.slice(2);

type Run = () => unknown;
const tasks: Record<string, () => Promise<Run>> = {
  'parse-ours': async () => {
    const { readXml } = await import('../../mio/xml-read.ts');
    const [bytes, known] = [readFileSync(file), await ourShapes()];
    return () => readXml(bytes, known);
  },
  /** It is given the text already decoded. */
  'parse-fhir': async () => {
    const [text, theirs] = [readFileSync(file, 'utf8'), await theirFhir()];
    return () => theirs.xmlToObj(text);
  },
  /** The whole document in UTF-8, as it is stored and sent. */
  'build-ours': async () => {
    const { readXml } = await import('../../mio/xml-read.ts');
    const { xmlBytes } = await import('../../mio/xml-write.ts');
    const known = await ourShapes();
    const { resource } = readXml(readFileSync(file), known);
    return () => xmlBytes(resource, known);
  },
  /** A text, which would still have to be encoded. They keep numbers as texts: what they read is what they write. */
  'build-fhir': async () => {
    const theirs = await theirFhir();
    const read = theirs.xmlToObj(readFileSync(file, 'utf8')) as object;
    return () => theirs.objToXml(read);
  },
};

const run = await tasks[task]?.();
if (run === undefined) throw new Error(`no such task: ${task}`);
process.stdout.write(`${secondsOnce(run)}\n`);
