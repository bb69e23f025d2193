// The manners of a Konnektor on the wire (tables/konnektor-profiles.ts): an answer as the operation made it, in gematik's prefixes,
// becomes the same message as this vendor writes it. Only what XML and the specifications leave free is changed, so the
// official schemas judge every form alike.

import { SOAP_NS } from '../../wire/soap.ts';
import { parseXml, type XmlElement, xml } from '../../wire/xml.ts';
import {
  KONNEKTOR_PROFILES,
  type KonnektorManners,
  type KonnektorVendor,
  PLAIN_MANNERS,
} from '../tables/konnektor-profiles.ts';
import { NS } from './namespaces.ts';

/** The choices a fixed vendor decides instead of the seed. */
const SEEDED = [
  'defaultCrypt',
  'pinRefusedAs',
  'pinInterruptedAs',
  'hsmPinStatus',
  'topicSpelling',
  'removedTypeKey',
] as const satisfies readonly (keyof KonnektorManners)[];
type SeededManners = Pick<KonnektorManners, (typeof SEEDED)[number]>;

export type MannersOf = {
  konnektor: {
    vendor: KonnektorVendor | undefined;
    manners: Partial<KonnektorManners>;
    signatureFormat: KonnektorManners['signatureFormat'];
  };
  world: { choices: SeededManners };
};

/** Of its vendor where that is fixed, else plain with what the seed drew; single ones set by a test win. */
export function mannersOf({ konnektor, world }: MannersOf): KonnektorManners {
  const { signatureFormat } = konnektor;
  const given =
    konnektor.vendor === undefined
      ? { ...PLAIN_MANNERS, ...seeded(world.choices), signatureFormat }
      : KONNEKTOR_PROFILES[konnektor.vendor].manners;
  return { ...given, ...konnektor.manners };
}

const seeded = (choices: SeededManners): Partial<KonnektorManners> =>
  Object.fromEntries(SEEDED.map((name) => [name, choices[name]]));

/** CardService 8.2: the PIN messages of 8.1 in a namespace of their own (konnektor.md 2.2). */
export const CARD_82 = 'http://ws.gematik.de/conn/CardService/v8.2';

/** A message or document as this Konnektor writes it. `cardService82`: what CardService 8.1 says is said in 8.2. */
export function dressed(text: string, manners: KonnektorManners, cardService82 = false): string {
  const { namespaces, schemaLocation, timestamps, vendorTrace, leftTries } = manners;
  const asItStands =
    namespaces === 'gematik' && !schemaLocation && timestamps === 'milliseconds' && vendorTrace === null && leftTries;
  const written = asItStands && !cardService82 ? text : rewritten(text, manners, cardService82);
  return manners.byteOrderMark ? `\ufeff${written}` : written;
}

function rewritten(text: string, manners: KonnektorManners, cardService82: boolean): string {
  const root = changed(parseXml(text), manners, cardService82);
  const declaration = '<?xml version="1.0" encoding="UTF-8"?>';
  if (root.ns !== SOAP_NS['1.1']) return declaration + new Writer(manners, 2).document(root);
  // The envelope keeps a prefix in every form: faultcode names its value by it.
  const prefix = manners.namespaces === 'numbered' ? 'S' : 'soap';
  const parts = root.children.map((part) => {
    const inner = part.children.map((child) =>
      child.ns === SOAP_NS['1.1'] ? soapFault(child, prefix, manners) : new Writer(manners, 2).document(child),
    );
    return `<${prefix}:${part.name}>${inner.join('')}</${prefix}:${part.name}>`;
  });
  return `${declaration}<${prefix}:Envelope xmlns:${prefix}="${SOAP_NS['1.1']}">${parts.join('')}</${prefix}:Envelope>`;
}

/** Its own children have no namespace; what stands in `detail` is written as a document of its own. */
function soapFault(fault: XmlElement, prefix: string, manners: KonnektorManners): string {
  const parts = fault.children.map((part) => {
    const code = part.name === 'faultcode' ? part.text.replace(/^[^:]*:/, `${prefix}:`) : part.text;
    const inner = part.children.map((child) => new Writer(manners, 2).document(child)).join('');
    return part.children.length > 0 ? `<${part.name}>${inner}</${part.name}>` : xml(part.name, {}, code).markup;
  });
  return `<${prefix}:Fault>${parts.join('')}</${prefix}:Fault>`;
}

const DATE_TIME = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)\.(\d{3})Z$/;

/** The tree with other times, one more Trace in each error, without what this vendor does not tell. */
function changed(element: XmlElement, manners: KonnektorManners, cardService82: boolean): XmlElement {
  const children = element.children
    .filter((c) => manners.leftTries || !(element.name === 'GetPinStatusResponse' && c.name === 'LeftTries'))
    .flatMap((c) => {
      const one = changed(c, manners, cardService82);
      const traced = manners.vendorTrace !== null && c.ns === NS.GERROR && c.name === 'Trace';
      return traced && c === element.children.find((e) => e.name === 'Trace')
        ? [vendorTrace(one, manners.vendorTrace ?? 0), one]
        : [one];
    });
  const ns = cardService82 && element.ns === NS.CARD ? CARD_82 : element.ns;
  return { ...element, ns, children, text: children.length > 0 ? '' : time(element.text, manners.timestamps) };
}

function time(text: string, form: KonnektorManners['timestamps']): string {
  const found = DATE_TIME.exec(text);
  if (found === null || form === 'milliseconds') return text;
  if (form === 'seconds') return `${found[1]}Z`;
  return `${new Date(Date.parse(text) + 3_600_000).toISOString().slice(0, -1)}+01:00`;
}

/** The same place told in the vendor's words: its own code, no detail (A_14159: gematik's code stands last). */
function vendorTrace(trace: XmlElement, code: number): XmlElement {
  const told: Record<string, string> = { Code: String(code), ErrorText: 'Herstellerspezifischer Fehler' };
  const children = trace.children
    .filter((part) => part.name !== 'Detail')
    .map((part) => ({ ...part, text: told[part.name] ?? part.text }));
  return { ...trace, children };
}

const XSI = 'http://www.w3.org/2001/XMLSchema-instance';
const own = new Map<string, string>(Object.entries(NS).map(([prefix, ns]) => [ns, prefix]));
own.set(CARD_82, 'CARD');

/** Writes one element and what is in it, its namespaces declared as the form has it. */
class Writer {
  readonly #manners: KonnektorManners;
  readonly #prefixes = new Map<string, string>();
  #next: number;

  constructor(manners: KonnektorManners, firstNumber: number) {
    this.#manners = manners;
    this.#next = firstNumber;
  }

  document(root: XmlElement): string {
    const { namespaces, schemaLocation } = this.#manners;
    const attributes: Record<string, string> = {};
    if (namespaces !== 'default') {
      this.#collect(root);
      for (const [ns, prefix] of this.#prefixes) attributes[`xmlns:${prefix}`] = ns;
    }
    if (schemaLocation) {
      attributes['xmlns:xsi'] = XSI;
      attributes['xsi:schemaLocation'] = `${root.ns} ${/\/([A-Za-z]+)\/v[\d.]+$/.exec(root.ns)?.[1] ?? 'message'}.xsd`;
    }
    return this.#element(root, '', attributes).markup;
  }

  #collect(element: XmlElement): void {
    if (!this.#prefixes.has(element.ns)) {
      const prefix = this.#manners.namespaces === 'gematik' ? own.get(element.ns) : undefined;
      this.#prefixes.set(element.ns, prefix ?? `ns${this.#next++}`);
    }
    for (const child of element.children) this.#collect(child);
  }

  #element(element: XmlElement, outer: string, more: Record<string, string> = {}): ReturnType<typeof xml> {
    const prefix = this.#prefixes.get(element.ns);
    const attributes = { ...more, ...Object.fromEntries(element.attributes) };
    if (prefix === undefined && element.ns !== outer) attributes.xmlns = element.ns;
    return xml(
      prefix === undefined ? element.name : `${prefix}:${element.name}`,
      attributes,
      ...element.children.map((child) => this.#element(child, element.ns)),
      element.children.length > 0 || element.text === '' ? undefined : element.text,
    );
  }
}
