// The `mio` part of the benchmark (api.md section 6; aims in issue 5): reading, writing and validating documents, beside the
// npm package `fhir` on the same input where it can do the same. It knows no German profiles, so nothing of it stands beside ours
// where documents are validated.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeJson } from '../../mio/json.ts';
import { validate } from '../../mio/validate/validate.ts';
import { readXml } from '../../mio/xml-read.ts';
import { xmlLength } from '../../mio/xml-write.ts';
import { tables } from '../support/mio-build.ts';
import { benchInputs, type Input } from './inputs.ts';
import { alternately, inProcesses, rounded } from './measure.ts';
import { type Serving, whileServing } from './serving.ts';

export type MioOptions = {
  schemas: string;
  megabytes: number;
  rounds: number;
  newId: () => string;
  say: (line: string) => void;
};

/** MB are 1,000,000 bytes of the XML; ratios are ours to theirs, of memory theirs to ours. */
type Speeds = {
  bytes: number;
  entries: number;
  buildMBps: number;
  buildMBpsFhir: number;
  buildRatio: number;
  parseMBps: number;
  parseMBpsFhir: number;
  parseRatio: number;
};
type Peaks = {
  parse: number;
  parseFhir: number;
  parseShare: number;
  build: number;
  buildFhir: number;
  buildShare: number;
};
/** `buildMBps` to `parseRatio` are those of `large`. */
export type MioFigures = Omit<Speeds, 'bytes' | 'entries'> & {
  inputs: Record<Input['name'], Speeds>;
  peakRssMb: Peaks;
  validateMsPer60kB: number;
  validate22MBSeconds: number;
  whileServing: Serving;
};

export async function mioFigures(o: MioOptions): Promise<MioFigures> {
  const { rounds, say } = o;
  const inputs = benchInputs(o.schemas, o.megabytes, o.newId);
  const folder = mkdtempSync(join(tmpdir(), 'epa-bench-'));
  try {
    const speeds = new Map<Input['name'], Speeds>();
    for (const input of inputs) speeds.set(input.name, await speedsOf(input, folder, o));
    const of = (name: Input['name']) => speeds.get(name) as Speeds;
    const files = { xml: join(folder, 'large.xml'), json: join(folder, 'large.json') };
    writeFileSync(files.json, writeJson(inputs.find((one) => one.name === 'large')?.resource));
    say('memory');
    const peakRssMb = await peaksOf(files, rounds);
    say('validating');
    const xml = (name: Input['name']) => Buffer.from(inputs.find((one) => one.name === name)?.xml ?? '');
    const [small, large] = [xml('real'), xml('large')];
    // From the bytes to the findings: a document that comes in has to be read first.
    const judge = (bytes: Uint8Array) => validate(readXml(bytes, tables.core.shapes).resource, tables);
    const seconds = alternately({ small: () => judge(small), large: () => judge(large) }, rounds);
    say('validating while serving');
    const serving = await whileServing(files.xml);
    const { bytes: _bytes, entries: _entries, ...ofLarge } = of('large');
    return {
      ...ofLarge,
      inputs: { real: of('real'), large: of('large'), glucose: of('glucose') },
      peakRssMb,
      validateMsPer60kB: rounded((seconds.small * 1000 * 60_000) / small.length),
      validate22MBSeconds: rounded(seconds.large),
      whileServing: serving,
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function speedsOf({ name, xml, entries }: Input, folder: string, { rounds, say }: MioOptions): Promise<Speeds> {
  say(`reading and writing: ${name}`);
  const file = join(folder, `${name}.xml`);
  writeFileSync(file, xml);
  const tasks = ['parse-ours', 'parse-fhir', 'build-ours', 'build-fhir'].map((task) => [task, file] as const);
  const [parse = 0, parseFhir = 0, build = 0, buildFhir = 0] = await inProcesses('speed-child.ts', tasks, { rounds });
  const bytes = Buffer.byteLength(xml);
  // White space between elements is read and not written.
  const written = xmlLength(readXml(Buffer.from(xml), tables.core.shapes).resource, tables.core.shapes);
  const speed = (length: number, taken: number) => rounded(length / 1e6 / taken);
  return {
    bytes,
    entries,
    buildMBps: speed(written, build),
    buildMBpsFhir: speed(written, buildFhir),
    buildRatio: rounded(buildFhir / build),
    parseMBps: speed(bytes, parse),
    parseMBpsFhir: speed(bytes, parseFhir),
    parseRatio: rounded(parseFhir / parse),
  };
}

async function peaksOf(files: { xml: string; json: string }, rounds: number): Promise<Peaks> {
  const [parse = 0, parseFhir = 0, build = 0, buildFhir = 0] = await inProcesses(
    'memory-child.ts',
    [
      ['parse-ours', files.xml],
      ['parse-fhir', files.xml],
      ['build-ours', files.json],
      ['build-fhir', files.json],
    ],
    { rounds, first: true },
  );
  return {
    parse: rounded(parse),
    parseFhir: rounded(parseFhir),
    parseShare: rounded(parse / parseFhir),
    build: rounded(build),
    buildFhir: rounded(buildFhir),
    buildShare: rounded(build / buildFhir),
  };
}
