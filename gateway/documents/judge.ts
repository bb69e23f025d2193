// The judgement of a finished document before 202 (D5, EXP-12): it is FHIR XML, valid against its profiles in a version that
// the DiGA may use (D25), and names no other insured (D15). Everything at once; no finding holds a value of the document.
import { type Finding, MioError } from '../../mio/error.ts';
import { type JsonResult, readJson } from '../../mio/json.ts';
import { type FhirObject, type FhirValue, isObject, type Resource } from '../../mio/model.ts';
import { validate } from '../../mio/validate/validate.ts';
import { type ReadResult, readXml, readXmlStream } from '../../mio/xml-read.ts';
import type { Toolkits } from './toolkits.ts';

export type JudgeOrder = {
  /** Versions of the toolkit; the first one judges what names none of them. */
  versions: readonly string[];
  maxBytes: number;
  /** The export's; undefined: whoever it is about. */
  kvnr?: string | undefined;
  /** A lone resource is let through (D26). */
  single?: boolean | undefined;
};

export type Judgement = {
  findings: Finding[];
  /** Betrachtungszeitraum of its Composition. */
  period: { start: string; end: string } | undefined;
};

const KVNR_SYSTEMS = ['http://fhir.de/sid/gkv/kvid-10', 'http://fhir.de/sid/pkv/kvid-10'];

/** The bytes of a document, or of one resource. */
export function judgeXml(bytes: Uint8Array, toolkits: Toolkits, order: JudgeOrder): Judgement {
  let read: ReadResult;
  try {
    read = readXml(bytes, toolkits.core().shapes, { maxBytes: order.maxBytes });
  } catch (thrown) {
    return { findings: [findingOf(thrown)], period: undefined };
  }
  return judgeDocument(read, toolkits, order);
}

/** The same from a stream; what that throws is thrown. */
export async function judgeXmlStream(
  chunks: AsyncIterable<Uint8Array>,
  toolkits: Toolkits,
  order: JudgeOrder,
): Promise<Judgement> {
  let read: ReadResult;
  try {
    read = await readXmlStream(chunks, toolkits.core().shapes, { maxBytes: order.maxBytes });
  } catch (thrown) {
    return { findings: [findingOf(thrown)], period: undefined };
  }
  return judgeDocument(read, toolkits, order);
}

function judgeDocument(read: ReadResult, toolkits: Toolkits, order: JudgeOrder): Judgement {
  const { findings, period } = judgeResource(read.resource, toolkits, order);
  return { findings: [...read.findings, ...findings], period };
}

/** The same as FHIR JSON. */
export function judgeJson(bytes: Uint8Array, toolkits: Toolkits, order: JudgeOrder): Judgement {
  let read: JsonResult;
  try {
    read = readJson(bytes, { maxBytes: bytes.length });
  } catch (thrown) {
    return { findings: [findingOf(thrown)], period: undefined };
  }
  return judgeRead(read, toolkits, order);
}

export function judgeRead(read: JsonResult, toolkits: Toolkits, order: JudgeOrder): Judgement {
  const { value } = read;
  if (!isObject(value) || typeof value.resourceType !== 'string') {
    const message = 'must be a resource of FHIR: a JSON object with resourceType';
    return { findings: [{ severity: 'error', code: 'RESOURCE_INVALID', path: '', message }], period: undefined };
  }
  const { findings, period } = judgeResource({ ...value, resourceType: value.resourceType }, toolkits, order);
  return { findings: [...read.findings, ...findings], period };
}

export function judgeResource(resource: Resource, toolkits: Toolkits, order: JudgeOrder): Judgement {
  const [first = ''] = order.versions;
  const named = profilesOf(resource).map((profile) => profile.split('|')[1] ?? '');
  const version = order.versions.find((one) => named.includes(one)) ?? first;
  const findings = validate(resource, toolkits.tables(version), { single: order.single === true });
  if (order.kvnr !== undefined) findings.push(...otherInsured(resource, order.kvnr));
  return { findings, period: periodOf(resource) };
}

/** A MioError as the one finding that ends a judgement; anything else is not ours to explain. */
export function findingOf(thrown: unknown): Finding {
  if (!(thrown instanceof MioError)) throw thrown;
  const { path = '', pointer, line } = thrown.place;
  const { code, message } = thrown;
  return {
    severity: 'error',
    code,
    path,
    message,
    ...(pointer !== undefined && { pointer }),
    ...(line !== undefined && { line }),
  };
}

function profilesOf({ meta }: FhirObject): string[] {
  const profiles = isObject(meta) && Array.isArray(meta.profile) ? meta.profile : [];
  return profiles.filter((one) => typeof one === 'string');
}

/** Any element that carries both a system of KVNRs and a value: an identifier, a reference, an extension. One finding each. */
export function otherInsured(root: FhirObject, kvnr: string): Finding[] {
  const findings: Finding[] = [];
  const steps: (string | number)[] = [];
  const look = (value: FhirValue | undefined) => {
    if (Array.isArray(value)) for (const [index, one] of value.entries()) below(index, one);
    if (!isObject(value)) return;
    const { system, value: own } = value;
    if (typeof system === 'string' && KVNR_SYSTEMS.includes(system.trim()) && typeof own === 'string')
      if (own.trim() !== kvnr) findings.push(mismatchAt([...steps, 'value'], root));
    for (const name of Object.keys(value)) if (typeof value[name] === 'object') below(name, value[name]);
  };
  const below = (step: string | number, value: FhirValue | undefined) => {
    steps.push(step);
    look(value);
    steps.pop();
  };
  look(root);
  return findings;
}

function mismatchAt(steps: readonly (string | number)[], { resourceType }: FhirObject): Finding {
  const path = steps.map((one) => (typeof one === 'number' ? `[${one}]` : `.${one}`)).join('');
  return {
    severity: 'error',
    code: 'KVNR_MISMATCH',
    path: `${typeof resourceType === 'string' ? resourceType : ''}${path}`,
    pointer: steps.map((one) => `/${one}`).join(''),
    message: "names another insured than the export's kvnr",
  };
}

/** Betrachtungszeitraum of a document. */
export function periodOf({ entry }: FhirObject): Judgement['period'] {
  for (const one of Array.isArray(entry) ? entry : []) {
    const composition = isObject(one) && isObject(one.resource) ? one.resource : undefined;
    if (composition?.resourceType !== 'Composition') continue;
    for (const extension of Array.isArray(composition.extension) ? composition.extension : []) {
      const period = isObject(extension) && isObject(extension.valuePeriod) ? extension.valuePeriod : {};
      if (typeof period.start === 'string' && typeof period.end === 'string')
        return { start: period.start, end: period.end };
    }
  }
  return undefined;
}
