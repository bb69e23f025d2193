// The `mio` part of the benchmark (api.md section 6; aims in issue 5): reading, writing and validating documents, beside the
// npm package `fhir` on the same input where it can do the same. It knows no German profiles, so nothing of it stands beside ours
// where documents are validated.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Fhir } from 'fhir/fhir.js';
import { writeJson } from '../../mio/json.ts';
import { validate } from '../../mio/validate/validate.ts';
import { readXml } from '../../mio/xml-read.ts';
import { writeXml } from '../../mio/xml-write.ts';
import { tables } from '../support/mio-build.ts';
import { benchInputs, type Input } from './inputs.ts';
import { alternately, peaksAlternately, rounded } from './measure.ts';
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

export async function mioFigures({ schemas, megabytes, rounds, newId, say }: MioOptions): Promise<MioFigures> {
  const inputs = benchInputs(schemas, megabytes, newId);
  const speeds = new Map(inputs.map((input) => [input.name, speedsOf(input, rounds, say)]));
  const of = (name: Input['name']) => speeds.get(name) as Speeds;
  const xml = (name: Input['name']) => Buffer.from(inputs.find((one) => one.name === name)?.xml ?? '');
  say('validating');
  const [small, large] = [xml('real'), xml('large')];
  // From the bytes to the findings: a document that comes in has to be read first.
  const judge = (bytes: Uint8Array) => validate(readXml(bytes, tables.core.shapes).resource, tables);
  const seconds = alternately({ small: () => judge(small), large: () => judge(large) }, rounds);
  const folder = mkdtempSync(join(tmpdir(), 'epa-bench-'));
  try {
    const files = { xml: join(folder, 'large.xml'), json: join(folder, 'large.json') };
    writeFileSync(files.xml, large);
    writeFileSync(files.json, writeJson(inputs.find((one) => one.name === 'large')?.resource));
    say('memory');
    const peakRssMb = await peaksOf(files, rounds);
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

function speedsOf({ name, resource, xml, entries }: Input, rounds: number, say: (line: string) => void): Speeds {
  say(`reading and writing: ${name}`);
  const { shapes } = tables.core;
  const fhir = new Fhir();
  const bytes = Buffer.from(xml);
  // What they read is what they write: they keep numbers as texts.
  const theirs = fhir.xmlToObj(xml) as object;
  const written = Buffer.byteLength(writeXml(resource, shapes));
  const seconds = alternately(
    {
      parse: () => readXml(bytes, shapes),
      parseFhir: () => fhir.xmlToObj(xml),
      build: () => writeXml(resource, shapes),
      buildFhir: () => fhir.objToXml(theirs),
    },
    rounds,
  );
  const speed = (length: number, taken: number) => rounded(length / 1e6 / taken);
  return {
    bytes: bytes.length,
    entries,
    buildMBps: speed(written, seconds.build),
    buildMBpsFhir: speed(written, seconds.buildFhir),
    buildRatio: rounded(seconds.buildFhir / seconds.build),
    parseMBps: speed(bytes.length, seconds.parse),
    parseMBpsFhir: speed(bytes.length, seconds.parseFhir),
    parseRatio: rounded(seconds.parseFhir / seconds.parse),
  };
}

async function peaksOf(files: { xml: string; json: string }, rounds: number): Promise<Peaks> {
  const [parse = 0, parseFhir = 0, build = 0, buildFhir = 0] = await peaksAlternately(
    [
      ['parse-ours', files.xml],
      ['parse-fhir', files.xml],
      ['build-ours', files.json],
      ['build-fhir', files.json],
    ],
    rounds,
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
