// A document of an order (D4, D5): in memory, or staged chunk by chunk while it came in (staging.ts). Each is a part with a
// chain of its own: the document itself, and a PDF beside it.
import { createHash } from 'node:crypto';

/** Name of the part in store and answers; '' is the document itself. */
export type Part = '' | 'pdf';

export type OrderedDocument = { mimeType: string } & ({ content: Uint8Array } | DocumentFacts);

/** What identifies a document whose bytes lie elsewhere. `sha256` in hex. */
export type DocumentFacts = { bytes: number; sha256: string };

export function factsOf(document: OrderedDocument): DocumentFacts {
  if (!('content' in document)) return { bytes: document.bytes, sha256: document.sha256 };
  return { bytes: document.content.length, sha256: createHash('sha256').update(document.content).digest('hex') };
}

/** Every document of an order, in the order in which they are written. */
export function partsOf(order: {
  document: OrderedDocument;
  pdf?: OrderedDocument | undefined;
}): [Part, OrderedDocument][] {
  return order.pdf === undefined
    ? [['', order.document]]
    : [
        ['', order.document],
        ['pdf', order.pdf],
      ];
}
