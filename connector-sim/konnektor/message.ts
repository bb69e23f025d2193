// Strict reading of a request body: every element in the order of its xs:sequence, nothing unknown, nothing twice, simple
// types checked (konnektor.md 1: wrong order is a 4000 on a strict Konnektor). Names and facets from the official XSDs.
import type { XmlElement } from '../../wire/xml.ts';
import { KonnektorFault } from './konnektor-fault.ts';
import { NS, type Prefix } from './namespaces.ts';

/** `PREFIX:Name` with `?` (0..1), `+` (1..n) or nothing (exactly 1) behind it. */
export type Particle = `${Prefix}:${string}`;

const XSI = '{http://www.w3.org/2001/XMLSchema-instance}';
/** What any element may say of its schema. Not `nil`: no element of these schemas can be. */
const OF_SCHEMA: ReadonlySet<string> = new Set(
  ['schemaLocation', 'noNamespaceSchemaLocation', 'type'].map((name) => `${XSI}${name}`),
);

/**
 * Children of `element` by local name, checked against the sequence. 4000 for anything out of place, for character data
 * between elements and for attributes other than `attributes` (but those of XML Schema itself).
 */
export function readSequence(
  element: XmlElement,
  particles: readonly Particle[],
  attributes: readonly string[] = [],
): ReadonlyMap<string, XmlElement[]> {
  if (element.text.trim() !== '') throw new KonnektorFault(4000, `character data in ${element.name}`);
  for (const name of element.attributes.keys()) {
    if (!attributes.includes(name) && !OF_SCHEMA.has(name)) {
      throw new KonnektorFault(4000, `unknown attribute in ${element.name}`);
    }
  }
  const found = new Map<string, XmlElement[]>();
  let at = 0;
  for (const particle of particles) {
    const { ns, name, min, max } = parseParticle(particle);
    const list: XmlElement[] = [];
    for (let next = element.children[at]; next?.name === name && next.ns === ns && list.length < max; ) {
      list.push(next);
      at += 1;
      next = element.children[at];
    }
    if (list.length < min) throw new KonnektorFault(4000, `${name} missing or out of order in ${element.name}`);
    found.set(name, list);
  }
  if (at < element.children.length) throw new KonnektorFault(4000, `unexpected element in ${element.name}`);
  return found;
}

function parseParticle(particle: Particle): { ns: string; name: string; min: number; max: number } {
  const [prefix, rest] = particle.split(':') as [Prefix, string];
  const mark = rest.at(-1);
  const name = mark === '?' || mark === '+' ? rest.slice(0, -1) : rest;
  return { ns: NS[prefix], name, min: mark === '?' ? 0 : 1, max: mark === '+' ? Number.POSITIVE_INFINITY : 1 };
}

type Facets = { maxLength?: number; minLength?: number; pattern?: RegExp; oneOf?: readonly string[]; token?: boolean };

/** Text of a simple-type element; 4000 when a facet of the schema is broken or it holds elements or attributes. */
export function simpleText(element: XmlElement, facets: Facets = {}, attributes: readonly string[] = []): string {
  if (element.children.length > 0) throw new KonnektorFault(4000, `elements in ${element.name}`);
  for (const name of element.attributes.keys()) {
    if (!attributes.includes(name) && !OF_SCHEMA.has(name)) {
      throw new KonnektorFault(4000, `unknown attribute in ${element.name}`);
    }
  }
  // xs:token collapses white space, xs:string keeps it.
  const text = facets.token === true ? element.text.trim() : element.text;
  const length = [...text].length;
  const ok =
    length <= (facets.maxLength ?? Number.POSITIVE_INFINITY) &&
    length >= (facets.minLength ?? 0) &&
    (facets.pattern?.test(text) ?? true) &&
    (facets.oneOf?.includes(text) ?? true);
  if (!ok) throw new KonnektorFault(4000, `value of ${element.name} does not fit its type`);
  return text;
}

/** The only child of that name, when the sequence has it. */
export function one(found: ReadonlyMap<string, XmlElement[]>, name: string): XmlElement | undefined {
  return found.get(name)?.[0];
}

/** The only child of that name that the sequence demands. */
export function must(found: ReadonlyMap<string, XmlElement[]>, name: string): XmlElement {
  const element = one(found, name);
  if (element === undefined) throw new KonnektorFault(4000, `${name} missing`);
  return element;
}

/** An xs:token of an enumeration. */
export function tokenOf<const T extends readonly string[]>(element: XmlElement, values: T): T[number] {
  const text = simpleText(element, { oneOf: values, token: true });
  const value = values.find((one) => one === text);
  if (value === undefined) throw new KonnektorFault(4000, `value of ${element.name} does not fit its type`);
  return value;
}

/** xs:boolean of an element. */
export function booleanOf(element: XmlElement): boolean {
  return /^(true|1)$/.test(simpleText(element, { oneOf: ['true', '1', 'false', '0'], token: true }));
}

const DATE_TIME = /^(-?(?:[1-9]\d{4,}|\d{4}))-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(\.\d+)?(?:Z|([+-])(\d\d):(\d\d))?$/;
/** The last moment of the calendar here; a year may have more digits. */
const END_OF_CALENDAR = 8.64e15;

/** xs:dateTime of an element (XML Schema 2, 3.2.7); without an offset it is taken as UTC. */
export function dateTimeOf(element: XmlElement): Date {
  const wrong = new KonnektorFault(4000, `${element.name} is no date and time`);
  const match = DATE_TIME.exec(simpleText(element, { token: true }));
  if (match === null) throw wrong;
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = match.slice(1, 7).map(Number);
  const [fraction = '', sign = '+'] = match.slice(7, 9);
  const [offsetHours = 0, offsetMinutes = 0] = match.slice(9).map((digits) => Number(digits ?? 0));
  // 400 years on, the calendar is the same, and no year below 100 is taken for one of our century.
  const last = new Date(Date.UTC(2000 + (year % 400), month, 0)).getUTCDate();
  const isTime = hour < 24 ? minute < 60 && second < 60 : hour === 24 && minute + second + Number(`0${fraction}`) === 0;
  const offset = offsetHours * 60 + offsetMinutes;
  const isDay = year !== 0 && month >= 1 && month <= 12 && day >= 1 && day <= last;
  if (!isDay || !isTime || offsetMinutes > 59 || offset > 14 * 60) throw wrong;
  const at = new Date(0);
  at.setUTCFullYear(year, month - 1, day);
  at.setUTCHours(hour, minute - (sign === '-' ? -offset : offset), second, Math.floor(Number(`0${fraction}`) * 1000));
  return Number.isNaN(at.getTime()) ? new Date(Math.sign(year) * END_OF_CALENDAR) : at;
}

/** xs:boolean of an attribute, `otherwise` when absent. */
export function booleanAttribute(element: XmlElement, name: string, otherwise: boolean): boolean {
  const text = element.attributes.get(name)?.trim();
  if (text === undefined) return otherwise;
  if (text === 'true' || text === '1') return true;
  if (text === 'false' || text === '0') return false;
  throw new KonnektorFault(4000, `${name} is not a boolean`);
}

// Simple types shared by several messages (ConnectorCommon.xsd 5.0.0, CardServiceCommon.xsd 2.0.0).
export const CARD_TYPES = [
  'EGK',
  'HBA-qSig',
  'HBA',
  'SMC-B',
  'HSM-B',
  'SMC-KT',
  'KVK',
  'ZOD_2.0',
  'UNKNOWN',
  'HBAx',
  'SM-B',
] as const;
export const readCtId = (e: XmlElement) => simpleText(e, { minLength: 1, maxLength: 64 });
export const readSlotId = (e: XmlElement) => Number(simpleText(e, { pattern: /^\+?0*[1-9]\d{0,8}$/, token: true }));
export const readIccsn = (e: XmlElement) => simpleText(e, { pattern: /^\d{20}$/ });
export const readCardHandle = (e: XmlElement) => simpleText(e, { maxLength: 128 });
export const readPinTyp = (e: XmlElement) => simpleText(e, { maxLength: 64 });
