// Candidates for mutants below the rows: values that are not written as their type demands (datatypes.html), and JSON that no FHIR
// document has (json.html). The first spelling of each type for every row, the others once for each type in each resource.
import { Decimal, type FhirValue, isObject, type Resource } from '../../mio/model.ts';
import type { ToolkitTables } from '../../mio/tables.ts';
import { type Candidate, candidate, type Found, siblingOf } from './candidate.ts';
import { type Path, put } from './edit.ts';
import type { Site } from './survey.ts';

const MISSPELT: Readonly<Record<string, readonly FhirValue[]>> = {
  base64Binary: ['A*B', 'ABC', 'QUJD=', ''],
  boolean: ['true', 1, ''],
  canonical: ['a b', ''],
  code: [' x ', 'x  y', 'x\ty ', ''],
  date: ['2021-3-4', '2021-13-01', '21-03-04', '2021-03-04T05:06:07Z', '0000', ''],
  dateTime: [
    '2021-03-04T05:06:07',
    '2021-03-04T24:00:00Z',
    '2021-03-04T05:06Z',
    '2021-03-04 05:06:07Z',
    '4.3.2021',
    '',
  ],
  decimal: ['1,5', '1.5', true],
  id: ['a_b', 'a'.repeat(65), ''],
  instant: ['2021-03-04', '2021-03-04T05:06:07', '2021-03-04T05:06:07+15:00', ''],
  integer: [new Decimal('1.5'), '3', new Decimal('1e2')],
  markdown: ['', 3],
  positiveInt: [0, -1, '3'],
  string: ['', 3, true],
  time: ['5 Uhr', '24:00:00', '05:06', ''],
  unsignedInt: [-1, '3'],
  uri: ['a b', ''],
  url: ['a b', ''],
};

/** What the regular expressions of the tables let through and the specification does not. */
const IMPOSSIBLE: Readonly<Record<string, readonly FhirValue[]>> = {
  date: ['2021-02-30'],
  dateTime: ['2021-02-29', '2021-04-31T05:06:07Z'],
  decimal: [new Decimal('1e400')],
  instant: ['2021-06-31T05:06:07Z'],
  integer: [2_147_483_648],
  positiveInt: [2_147_483_648],
  unsignedInt: [2_147_483_648],
};

export function* misspelt(resource: Resource, site: Site, tables: ToolkitTables): Found {
  const { value, path, type } = site;
  if (value === undefined || value === null) return;
  const within = tables.definition(site.table)?.type;
  for (const [index, spelling] of (MISSPELT[type] ?? []).entries()) {
    const one = candidate('lexical', site, put(resource, path, spelling), path);
    yield index === 0 ? one : { ...one, rule: `${within} ${type} ${index}` };
  }
  for (const [index, spelling] of (IMPOSSIBLE[type] ?? []).entries()) {
    const broken = put(resource, path, spelling);
    yield { kind: 'impossible', rule: `${within} ${type} ${index}`, changed: path, resource: broken, wrong: true };
  }
  yield* otherJson(resource, site, `${within} ${type}`);
}

/** A list for one, one for a list, an object for a text, nothing in an object or list, and members with \_ that say nothing. */
function* otherJson(resource: Resource, site: Site, within: string): Found {
  const { path, value } = site;
  const once = (what: string, changed: Path, broken: FhirValue): Candidate => ({
    ...candidate('json', site, put(resource, changed, broken), changed),
    rule: `${within} ${what}`,
  });
  if (site.whole.list) yield once('list as one', path.slice(0, -1), value ?? null);
  else yield once('one as list', path, [value ?? null]);
  if (isObject(value)) {
    yield once('object as text', path, 'Text');
    yield once('empty object', path, {});
  } else yield once('text as object', path, { value: 'Text' });
  yield once('null', path, null);
  if (site.whole.list || site.row.attribute) return;
  yield once('sibling as text', siblingOf(path), 'Text');
  yield once('empty sibling', siblingOf(path), {});
  yield once('sibling with a stranger', siblingOf(path), { noSuchElement: 'Text' });
  yield once('sibling as list', siblingOf(path), [{ id: 'a' }]);
}
