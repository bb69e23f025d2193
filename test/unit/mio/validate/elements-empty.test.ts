// One fault at a time in a valid document: nothing in an element, and null where JSON may have it and where not.
import { describe, expect, test } from 'vitest';
import type { FhirObject } from '../../../../mio/model.ts';
import { each, FREE, PATIENT, WEIGHT } from './one-fault.ts';
import { at, foundAfter, smallDocument } from './small-document.ts';

describe('nothing in it', () => {
  each([
    ['an empty text', `${PATIENT}/name/0/text`, '', [`MIO_EMPTY ${PATIENT}/name/0/text`]],
    ['an empty list', `${PATIENT}/telecom`, [], [`MIO_EMPTY ${PATIENT}/telecom`]],
    ['an empty object', `${FREE}/method`, {}, [`MIO_EMPTY ${FREE}/method`]],
    ['an object with an id only (ele-1)', `${FREE}/method`, { id: 'a' }, [`MIO_EMPTY ${FREE}/method`]],
    ['null', `${FREE}/method`, null, [`MIO_EMPTY ${FREE}/method`]],
    [
      'null in a list',
      `${FREE}/extension`,
      [{ url: 'urn:x', valueHumanName: { given: ['a', null] } }],
      [`MIO_EMPTY ${FREE}/extension/0/valueHumanName/given/1`],
    ],
    ['an empty sibling', `${PATIENT}/_birthDate`, {}, [`MIO_EMPTY ${PATIENT}/_birthDate`]],
  ]);

  test('null stands in a list for a value of which only the sibling is there', () => {
    const extension = [{ url: 'http://hl7.org/fhir/StructureDefinition/data-absent-reason', valueCode: 'unknown' }];
    expect(
      foundAfter(`${FREE}/extension`, [
        { url: 'urn:x', valueHumanName: { given: ['Erika', null], _given: [null, { extension }] } },
      ]),
    ).toEqual([]);
  });
});

describe('null', () => {
  const extension = `${FREE}/extension`;
  const timing = `${extension}/0/valueTiming`;
  const timed = (valueTiming: FhirObject) => [{ url: 'urn:x', valueTiming }];
  const said = { extension: [{ url: 'urn:x', valueString: 'y' }] };
  const event = ['2025-02-03'];
  each([
    ['in a list of primitives, beside what is said there', extension, timed({ event: [null], _event: [said] }), []],
    ['on either side of it', extension, timed({ event: [null, ...event], _event: [said, null] }), []],
    [
      'on both sides',
      extension,
      timed({ event: [null, ...event], _event: [null, said] }),
      [`MIO_EMPTY ${timing}/event/0`],
    ],
    ['with nothing beside it', extension, timed({ event: [...event, null] }), [`MIO_EMPTY ${timing}/event/1`]],
    ['alone', extension, timed({ event: [null] }), [`MIO_EMPTY ${timing}/event/0`]],
    ['for the list', extension, timed({ event: null }), [`MIO_EMPTY ${timing}/event`]],
    ['for the list beside', extension, timed({ event, _event: null }), [`MIO_EMPTY ${timing}/_event`]],
    ['for a primitive', `${WEIGHT}/status`, null, [`MIO_EMPTY ${WEIGHT}/status`]],
    ['for what is said of a primitive', `${WEIGHT}/_status`, null, [`MIO_EMPTY ${WEIGHT}/_status`]],
    [
      'for both lists',
      extension,
      timed({ event: null, _event: null }),
      [`MIO_EMPTY ${timing}/event`, `MIO_EMPTY ${timing}/_event`],
    ],
    ['for a primitive of which something is said', FREE, withNull(said), [`MIO_EMPTY ${FREE}/valueInteger`]],
    ['for an object', `${FREE}/text`, null, [`MIO_EMPTY ${FREE}/text`]],
    ['for a choice', `${FREE}/valueInteger`, null, [`MIO_EMPTY ${FREE}/valueInteger`]],
    ['for a list of objects', `${WEIGHT}/note`, null, [`MIO_EMPTY ${WEIGHT}/note`]],
    ['in a list of objects', `${FREE}/category`, [null, { text: 'a' }], [`MIO_EMPTY ${FREE}/category/0`]],
    ['for what does not exist', `${FREE}/foo`, null, [`MIO_ELEMENT_UNKNOWN ${FREE}/foo`]],
  ]);

  function withNull(sibling: FhirObject): FhirObject {
    return { ...at(smallDocument(), FREE), valueInteger: null, _valueInteger: sibling };
  }
});
