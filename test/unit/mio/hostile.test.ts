// Documents made to harm: each is refused or found to be wrong, in a process with little memory and no network (hostile-child.ts).
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';

type Line = { name: string; outcome: string; grown: number; reached: number };

const MIB = 1024 * 1024;
/** For a reader, a validator and the tables; a document may be 32 MiB. */
const HEAP_MIB = 192;

const AT = 'Observation.extension[0].valueAttachment';
const EXPECTED: Record<string, string> = {
  'no document but two calls to the network': '2 seen',
  'a DTD': 'XML_DOCTYPE',
  'a DTD from elsewhere': 'XML_DOCTYPE',
  'an entity bomb': 'XML_DOCTYPE',
  'an entity that is a file': 'XML_DOCTYPE',
  'an entity without DTD': 'XML_ENTITY',
  'elements nested 10,000 deep': 'XML_DEPTH',
  'a narrative nested 10,000 deep': 'XML_DEPTH',
  'XML that is not UTF-8': 'XML_ENCODING',
  'U+0000 in XML': 'XML_CHARACTER',
  'U+0000 as a reference': 'XML_ENTITY',
  'an attribute twice': 'XML_MALFORMED',
  'a gigabyte of XML': 'MIO_TOO_LARGE',
  'lists nested 10,000 deep': 'JSON_DEPTH',
  'objects nested 10,000 deep': 'JSON_DEPTH',
  'JSON that is not UTF-8': 'JSON_ENCODING',
  'U+0000 in JSON': 'XML_CHARACTER valueString',
  'a lone surrogate in JSON': 'XML_CHARACTER valueString',
  'a name twice': 'JSON_REPEATED',
  'a name twice, once as an escape': 'JSON_REPEATED',
  'a number beyond all numbers': 'MIO_FORMAT Observation.valueQuantity.value',
  'the same in XML': 'MIO_FORMAT Observation.valueQuantity.value',
  'a whole number beyond 32 bits': 'MIO_FORMAT Observation.valueInteger',
  'a member __proto__': 'MIO_ELEMENT_UNKNOWN Observation._proto__',
  'a text of 20 million characters': 'MIO_FORMAT Observation.valueString',
  '33 MiB of JSON': 'MIO_TOO_LARGE',
  'a million entries that are none':
    'MIO_PROFILE_TYPE Patient.meta.profile[0], MIO_SLICE_CLOSED Patient.name[0], MIO_TYPE Patient.name[0], and 998 more',
  'a million entries of simple that are none':
    'TYPE_INVALID entries[0], TYPE_INVALID entries[1], TYPE_INVALID entries[2], and 998 more',
  'a hundred thousand entries with faults':
    'MEMBER_MISSING entries[0].text, MEMBER_MISSING entries[1].text, MEMBER_MISSING entries[2].text, and 998 more',
  'an entry with a million answers that are none': 'TOO_BIG entries[0]',
  'an insured with a million names': 'TOO_BIG ',
  'a hundred thousand members that are none': 'MEMBER_UNKNOWN x0, MEMBER_UNKNOWN x1, MEMBER_UNKNOWN x2, and 998 more',
  'a million resources that are none':
    'RESOURCE_INVALID resources[0], RESOURCE_INVALID resources[1], RESOURCE_INVALID resources[2], and 998 more',
  // A size is only a number, and a URL only a text: neither is believed or followed.
  'an attachment that says a gigabyte': 'valid',
  'an attachment that says more than 32 bits': `MIO_FORMAT ${AT}.size`,
  'an attachment at a URL': 'valid',
  'an attachment in a file': 'valid',
  'base64 that makes a regular expression run': `MIO_FORMAT ${AT}.data`,
  'a code that makes a regular expression run': 'MIO_FORMAT Observation.valueCodeableConcept.coding[0].code',
};

describe('a hostile document', () => {
  let lines: Line[] = [];
  let ended: { status: number | null; stderr: string };

  beforeAll(() => {
    const child = join(import.meta.dirname, 'hostile-child.ts');
    const flags = [`--max-old-space-size=${HEAP_MIB}`, child];
    const done = spawnSync(process.execPath, flags, { encoding: 'utf8', maxBuffer: 10 * MIB });
    ended = done;
    lines = done.stdout
      .split('\n')
      .filter((one) => one !== '')
      .map((one) => JSON.parse(one) as Line);
  });

  test('does not end the process', () => {
    expect(ended.status, ended.stderr).toBe(0);
    expect(lines.map((one) => one.name).sort()).toEqual(Object.keys(EXPECTED).sort());
  });

  test.each(Object.entries(EXPECTED))('%s: %s', (name, outcome) => {
    expect(lines.find((one) => one.name === name)?.outcome).toBe(outcome);
  });

  test('takes no more memory than a few copies of itself', () => {
    const [largest] = lines.toSorted((one, other) => other.grown - one.grown);
    process.stdout.write(`most for ${largest?.name}: ${Math.round((largest?.grown ?? 0) / MIB)} MiB\n`);
    expect(lines.filter((one) => one.grown > 160 * MIB).map((one) => one.name)).toEqual([]);
  });

  test('reaches for nothing outside', () => {
    expect(lines.filter((one) => one.reached > 0).map((one) => one.name)).toEqual([]);
  });
});
