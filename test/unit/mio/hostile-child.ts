// Hostile documents, one after the other, in a process of its own with little memory (hostile.test.ts starts it). Prints one JSON line a
// document: what became of it, and by how much the process grew (resident, high-water mark).
import { createRequire, syncBuiltinESMExports } from 'node:module';
import { connect } from 'node:net';
import { readSimple } from '../../../mio/build/content.ts';
import { readFhir } from '../../../mio/build/fhir-content.ts';
import { MioError } from '../../../mio/error.ts';
import { readJson } from '../../../mio/json.ts';
import { type FhirObject, isObject, type Resource } from '../../../mio/model.ts';
import { CoreTables, ToolkitTables } from '../../../mio/tables.ts';
import { validate } from '../../../mio/validate/validate.ts';
import { readXml, readXmlStream } from '../../../mio/xml-read.ts';

const tables = new ToolkitTables('1.1.0', new CoreTables());
const { shapes } = tables.core;
const NS = 'xmlns="http://hl7.org/fhir"';
const DEEP = 10_000;
const MIB = 1024 * 1024;

/** Whatever reaches for the network is counted, and gets nothing. */
let reached = 0;
const require = createRequire(import.meta.url);
for (const [name, call] of [
  ['net', 'connect'],
  ['net', 'createConnection'],
  ['tls', 'connect'],
  ['dns', 'lookup'],
  ['http', 'request'],
  ['http', 'get'],
  ['https', 'request'],
  ['https', 'get'],
] as const) {
  (require(`node:${name}`) as Record<string, unknown>)[call] = () => {
    reached += 1;
    throw new Error('no network here');
  };
}
globalThis.fetch = () => {
  reached += 1;
  return Promise.reject(new Error('no network here'));
};
syncBuiltinESMExports();

type Outcome = string | Promise<string>;

function xml(text: string | Uint8Array): string {
  const { resource, findings } = readXml(typeof text === 'string' ? Buffer.from(text) : text, shapes);
  return codesOf([...findings, ...validate(resource, tables, { single: true })]);
}

function json(text: string | Uint8Array): string {
  const { value, findings } = readJson(text);
  if (!isObject(value) || typeof value.resourceType !== 'string') return codesOf(findings) || 'no resource';
  return codesOf([...findings, ...validate(value as Resource, tables, { single: true })]);
}

function content(text: string): string {
  const { value } = readJson(text);
  return codesOf((text.includes('"simple"') ? readSimple(value, tables) : readFhir(value, tables)).findings);
}

function codesOf(findings: readonly { severity: string; code: string; path: string }[]): string {
  const shown = findings.filter((one) => one.severity !== 'warning').map(({ code, path }) => `${code} ${path}`);
  const rest = shown.length - 3;
  return [...shown.slice(0, 3), ...(rest > 0 ? [`and ${rest} more`] : [])].join(', ') || 'valid';
}

const META: FhirObject = {
  versionId: '1',
  lastUpdated: '2021-10-26T13:28:17.239+02:00',
  profile: ['https://fhir.kbv.de/StructureDefinition/KBV_PR_MIO_DIGA_Observation_Free|1.1.0'],
};

/** An Observation_Free with these members beside what it needs. */
function free(members: string): string {
  const head = `{"resourceType":"Observation","meta":${JSON.stringify(META)},"status":"final","code":{"text":"x"}`;
  return `${head},${members}}`;
}

async function* zeros(bytes: number): AsyncGenerator<Uint8Array> {
  const piece = Buffer.alloc(MIB, 0x20);
  yield Buffer.from(`<Patient ${NS}>`);
  for (let sent = 0; sent < bytes; sent += piece.length) yield piece;
}

function bomb(): string {
  const lines = Array.from({ length: 10 }, (_, index) => {
    const before = index === 0 ? 'lol' : `&l${index - 1};`.repeat(10);
    return `<!ENTITY l${index} "${before}">`;
  });
  return `<?xml version="1.0"?><!DOCTYPE Patient [${lines.join('')}]><Patient ${NS}><id value="&l9;"/></Patient>`;
}

const CASES: [name: string, run: () => Outcome][] = [
  ['no document but two calls to the network', callOut],
  ['a DTD', () => xml(`<!DOCTYPE Patient><Patient ${NS}/>`)],
  ['a DTD from elsewhere', () => xml(`<!DOCTYPE Patient SYSTEM "http://127.0.0.1:1/x.dtd"><Patient ${NS}/>`)],
  ['an entity bomb', () => xml(bomb())],
  [
    'an entity that is a file',
    () =>
      xml(`<!DOCTYPE Patient [<!ENTITY f SYSTEM "file:///etc/hostname">]><Patient ${NS}><id value="&f;"/></Patient>`),
  ],
  ['an entity without DTD', () => xml(`<Patient ${NS}><id value="&secret;"/></Patient>`)],
  [
    'elements nested 10,000 deep',
    () => xml(`<Patient ${NS}>${'<extension url="urn:x">'.repeat(DEEP)}${'</extension>'.repeat(DEEP)}</Patient>`),
  ],
  [
    'a narrative nested 10,000 deep',
    () => xml(`<Patient ${NS}><text><status value="extensions"/>${narrative()}</text></Patient>`),
  ],
  [
    'XML that is not UTF-8',
    () => xml(Buffer.concat([Buffer.from(`<Patient ${NS}><id value="`), Buffer.from([0xc0, 0x80])])),
  ],
  ['U+0000 in XML', () => xml(`<Patient ${NS}><id value="a\u0000b"/></Patient>`)],
  ['U+0000 as a reference', () => xml(`<Patient ${NS}><id value="a&#0;b"/></Patient>`)],
  ['an attribute twice', () => xml(`<Patient ${NS}><id value="a" value="b"/></Patient>`)],
  ['a gigabyte of XML', () => readXmlStream(zeros(1024 * MIB), shapes).then(({ findings }) => codesOf(findings))],
  ['lists nested 10,000 deep', () => json('['.repeat(DEEP) + ']'.repeat(DEEP))],
  ['objects nested 10,000 deep', () => json(`${'{"extension":[{"x":'.repeat(DEEP)}1${'}]}'.repeat(DEEP)}`)],
  ['JSON that is not UTF-8', () => json(Buffer.from([0x7b, 0x22, 0xed, 0xa0, 0x80, 0x22, 0x3a, 0x31, 0x7d]))],
  ['U+0000 in JSON', () => json(free('"valueString":"a\\u0000b"'))],
  ['a lone surrogate in JSON', () => json(free('"valueString":"\\ud800"'))],
  ['a name twice', () => json('{"resourceType":"Patient","id":"a","id":"b"}')],
  ['a name twice, once as an escape', () => json('{"resourceType":"Patient","id":"a","\\u0069d":"b"}')],
  ['a number beyond all numbers', () => json(free('"valueQuantity":{"value":1e400}'))],
  ['the same in XML', () => xml(observationXml('<valueQuantity><value value="-1e400"/></valueQuantity>'))],
  ['a whole number beyond 32 bits', () => json(free('"valueInteger":4294967296'))],
  ['a member __proto__', () => json(free('"__proto__":{"status":"done"}'))],
  ['a text of 20 million characters', () => json(free(`"valueString":"${'a'.repeat(20_000_000)}"`))],
  ['33 MiB of JSON', () => json(free(`"valueString":"${'a'.repeat(33 * MIB)}"`))],
  [
    'a million entries that are none',
    () => json(`{"resourceType":"Patient","meta":${JSON.stringify(META)},"name":[${'0,'.repeat(999_999)}0]}`),
  ],
  [
    'a million entries of simple that are none',
    () => content(`{"mode":"simple","entries":[${'0,'.repeat(999_999)}0]}`),
  ],
  [
    'a hundred thousand entries with faults',
    () => content(`{"mode":"simple","entries":[${'{"kind":"diary","id":"d"},'.repeat(99_999)}0]}`),
  ],
  [
    'an entry with a million answers that are none',
    () =>
      content(`{"mode":"simple","entries":[{"kind":"questionnaireResponse","answers":[${'0,'.repeat(999_999)}0]}]}`),
  ],
  [
    'an insured with a million names',
    () => content(`{"mode":"simple","patient":{"name":{"given":[${'0,'.repeat(999_999)}0]}},"entries":[0]}`),
  ],
  [
    'a hundred thousand members that are none',
    () =>
      content(
        `{"mode":"fhir",${Array.from({ length: 100_000 }, (_, n) => `"x${n}":0`)},"resources":[{"resourceType":"Goal"}]}`,
      ),
  ],
  ['a million resources that are none', () => content(`{"mode":"fhir","resources":[${'0,'.repeat(999_999)}0]}`)],
  ['an attachment that says a gigabyte', () => json(attachment('"size":1073741824,"data":"QUJD"'))],
  ['an attachment that says more than 32 bits', () => json(attachment('"size":1099511627776,"data":"QUJD"'))],
  ['an attachment at a URL', () => json(attachment('"url":"http://127.0.0.1:1/x.pdf"'))],
  ['an attachment in a file', () => json(attachment('"url":"file:///etc/hostname"'))],
  ['base64 that makes a regular expression run', () => json(attachment(`"data":"${'AAAA '.repeat(200_000)}!"`))],
  [
    'a code that makes a regular expression run',
    () => json(free(`"valueCodeableConcept":{"coding":[{"code":"${'a '.repeat(500_000)}"}]}`)),
  ],
];

/** Shows that the guard would see one. */
async function callOut(): Promise<string> {
  await fetch('http://127.0.0.1:1/').catch(() => {});
  try {
    connect(1);
  } catch {}
  const seen = reached;
  reached = 0;
  return `${seen} seen`;
}

function narrative(): string {
  return `<div xmlns="http://www.w3.org/1999/xhtml">${'<b>'.repeat(DEEP)}${'</b>'.repeat(DEEP)}</div>`;
}

function observationXml(value: string): string {
  const profile = (META.profile as string[])[0];
  const meta = `<meta><versionId value="1"/><lastUpdated value="${META.lastUpdated}"/><profile value="${profile}"/></meta>`;
  return `<Observation ${NS}>${meta}<status value="final"/><code><text value="x"/></code>${value}</Observation>`;
}

/** In an extension that the toolkit does not know, so that the profile has nothing to say of it. */
function attachment(members: string): string {
  return free(`"extension":[{"url":"urn:x","valueAttachment":{"contentType":"application/pdf",${members}}}]`);
}

const before = () => process.resourceUsage().maxRSS * 1024;
// What is loaded once is not the document's.
json(free('"valueString":"x"'));
for (const [name, run] of CASES) {
  const start = before();
  let outcome: string;
  try {
    outcome = await run();
  } catch (error) {
    outcome = error instanceof MioError ? error.code : `${error}`;
  }
  process.stdout.write(`${JSON.stringify({ name, outcome, grown: before() - start, reached })}\n`);
}
