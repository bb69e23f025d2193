// Requests of the client half before the official files: each against the XSDs, and element by element against its sample message.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { type Markup, parseXml, serialize, type XmlElement } from '../../../../wire/xml.ts';
import type { XsdJudge } from '../../../conformance/xsd.ts';

/** Body, and the sample it must equal; null where the samples have none. */
export type OfficialRequest = [name: string, body: Markup, sample: string | null];

/** Names, namespaces, attributes and texts, in order. */
const shapeOf = ({ name, ns, attributes, children, text }: XmlElement): unknown => [
  `{${ns}}${name}`,
  Object.fromEntries(attributes),
  children.length > 0 ? children.map(shapeOf) : text,
];

/** Called within a `describe`; `dir`: a folder laid out as shared/. */
export function testOfficialRequests(requests: readonly OfficialRequest[], dir: string, judge: XsdJudge): void {
  test.each(requests)('%s is valid', (_name, body) => expect(judge.judge(serialize(body)).faults).toEqual([]));
  test.each(requests.filter(([, , sample]) => sample !== null))('%s equals the sample', (_name, body, sample) => {
    const official = readFileSync(join(dir, 'schemas/konnektor/samples', sample ?? ''));
    expect(shapeOf(parseXml(serialize(body)))).toEqual(shapeOf(parseXml(official)));
  });
}
