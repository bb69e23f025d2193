// A document of an order (D4, D5): in memory, or staged chunk by chunk while it came in (staging.ts). Each is a part with a
// chain of its own: the document itself, further parts of one that is split, and a PDF beside it.
import { createHash } from 'node:crypto';

/** Name of the part in store and answers: '' is the document itself, a day (its first) a further part, `pdf` what stands beside. */
export type Part = string;

/** Betrachtungszeitraum: FHIR dateTimes. */
export type Period = { start: string; end: string };

export type OrderedDocument = {
  mimeType: string;
  period?: Period | undefined;
  /** Of a document built here (part-memory.ts). */
  memory?: Uint8Array | undefined;
} & ({ content: Uint8Array } | DocumentFacts);

/** A part of a document that is split, besides the one that goes on with the chain of the whole; `first`: it is written before that. */
export type FurtherPart = { part: Part; first: boolean; document: OrderedDocument };

/** What identifies a document whose bytes lie elsewhere. `sha256` in hex. */
export type DocumentFacts = { bytes: number; sha256: string };

export function factsOf(document: OrderedDocument): DocumentFacts {
  if (!('content' in document)) return { bytes: document.bytes, sha256: document.sha256 };
  return { bytes: document.content.length, sha256: createHash('sha256').update(document.content).digest('hex') };
}

/** Every document of an order, in the order in which they are written. */
export function partsOf(order: {
  document: OrderedDocument;
  part?: Part | undefined;
  further?: readonly FurtherPart[] | undefined;
  pdf?: OrderedDocument | undefined;
}): [Part, OrderedDocument][] {
  const further = (first: boolean) =>
    (order.further ?? []).flatMap((one): [Part, OrderedDocument][] =>
      one.first === first ? [[one.part, one.document]] : [],
    );
  return [
    ...further(true),
    [order.part ?? '', order.document],
    ...further(false),
    ...(order.pdf === undefined ? [] : [['pdf', order.pdf] satisfies [Part, OrderedDocument]]),
  ];
}

/** The order with some of its documents told otherwise, by part. */
export function withDocuments<Order extends Parameters<typeof partsOf>[0]>(
  order: Order,
  others: ReadonlyMap<Part, OrderedDocument>,
): Order {
  const told = (part: Part, document: OrderedDocument) => others.get(part) ?? document;
  return {
    ...order,
    document: told(order.part ?? '', order.document),
    further: order.further?.map((one) => ({ ...one, document: told(one.part, one.document) })),
    pdf: order.pdf === undefined ? undefined : told('pdf', order.pdf),
  };
}
