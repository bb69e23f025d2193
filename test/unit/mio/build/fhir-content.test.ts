// The schema of mode "fhir": unknown members are errors, every fault at once, numbers keep their spelling.
import { expect, test } from 'vitest';
import { readFhir } from '../../../../mio/build/fhir-content.ts';
import { readJson } from '../../../../mio/json.ts';
import { Decimal } from '../../../../mio/model.ts';
import { tables } from '../../../support/mio-build.ts';

const read = (json: string) => readFhir(readJson(json).value, tables);
const told = (json: string) => read(json).findings.map(({ code, pointer }) => `${code} ${pointer}`);

test('both forms are taken as they stand', () => {
  const { content } = read('{"mode":"fhir","resources":[{"resourceType":"Goal","x":72.50}]}');
  expect(content).toEqual({ mode: 'fhir', resources: [{ resourceType: 'Goal', x: new Decimal('72.50') }] });
  expect(told('{"mode":"fhir","mioVersion":"1.1.0","bundle":{"resourceType":"Bundle","anything":{}}}')).toEqual([]);
  const period = '{"start":"2025-01-01T00:00:00Z","end":"2025-01-01T00:00:00Z"}';
  expect(told(`{"mode":"fhir","period":${period},"resources":[{"resourceType":"Goal"}]}`)).toEqual([]);
});

test.each<[string, string, string[]]>([
  ['nothing', '{"mode":"fhir"}', ['MEMBER_MISSING /resources']],
  ['both', '{"mode":"fhir","bundle":{"resourceType":"Bundle"},"resources":[]}', ['MEMBER_UNKNOWN /resources']],
  [
    'a member that is none',
    '{"mode":"fhir","bundle":{"resourceType":"Bundle"},"entries":[]}',
    ['MEMBER_UNKNOWN /entries'],
  ],
  [
    'a period beside a bundle, which has its own',
    '{"mode":"fhir","bundle":{"resourceType":"Bundle"},"period":{}}',
    ['MEMBER_UNKNOWN /period'],
  ],
  ['an empty list', '{"mode":"fhir","resources":[]}', ['TOO_SMALL /resources']],
  ['no list', '{"mode":"fhir","resources":{}}', ['TYPE_INVALID /resources']],
  [
    'another version',
    '{"mode":"fhir","mioVersion":"9","bundle":{"resourceType":"Bundle"}}',
    ['VALUE_INVALID /mioVersion'],
  ],
  ['a bundle that is null', '{"mode":"fhir","bundle":null}', ['RESOURCE_INVALID /bundle']],
  [
    'every fault at once',
    '{"mode":"fhir","x":1,"period":{"start":"2025-01-01"},"resources":[{"resourceType":"Goal"},{},1,null,[],{"resourceType":1}]}',
    [
      'TIME_INVALID /period/start',
      'MEMBER_MISSING /period/end',
      'MEMBER_UNKNOWN /x',
      ...[1, 2, 3, 4, 5].map((n) => `RESOURCE_INVALID /resources/${n}`),
    ],
  ],
  [
    'a period that ends before it starts',
    '{"mode":"fhir","period":{"start":"2025-02-01T00:00:00Z","end":"2025-01-01T00:00:00Z"},"resources":[{"resourceType":"Goal"}]}',
    ['PERIOD_REVERSED /period/end'],
  ],
  ['another mode', '{"mode":"simple","resources":[{"resourceType":"Goal"}]}', ['VALUE_INVALID /mode']],
])('is refused: %s', (_, json, expected) => {
  expect(told(json)).toEqual(expected);
  expect(read(json).content).toBeUndefined();
});

test.each([undefined, null, 1, 'x', []])('is no content: %s', (value) => {
  expect(readFhir(value, tables).content).toBeUndefined();
});
