// Taking an export in: what JSON, multipart and batch have in common between a body that was read and its 202. First whether
// the Idempotency-Key names an export already, then everything that must be right (D5), then the one transaction.
import { acceptExport, checkTimes, type ExportOrder } from '../exports/accept.ts';
import { checkDocumentInTurns, type DocumentVerdict } from '../exports/document-check.ts';
import { foresee } from '../exports/dry-run.ts';
import { idempotencyKey, replayOf } from '../exports/idempotency.ts';
import { factsOf, partsOf } from '../exports/ordered-document.ts';
import type { Staging } from '../exports/staging.ts';
import { type Caller, digaOf } from './authentication.ts';
import { type ExportBody, type ExportPart, JSON_DOCUMENT_BYTES } from './export-body.ts';
import type { ExportsApi } from './exports.ts';
import { canonicalJson } from './json-body.ts';
import { RequestError } from './problem.ts';

/** Visible ASCII (api.md section 2). */
export const IDEMPOTENCY_KEY = /^[\x20-\x7e]{1,255}$/;

/** What is wrong with the documents; asked only where they are to be accepted. */
export type Judge = () => Promise<DocumentVerdict | undefined>;

export type Taken = { id: string; diga: string; replayed: boolean };

export type Intake = {
  /** Refuses a second request with the same key until the answered function is called: IDEMPOTENCY_KEY_IN_USE. */
  hold(of: { client: string; diga: string }, key: string | null): () => void;
  /** Refuses an order that could never go, before its documents are here. */
  early(terms: Omit<ExportOrder, 'document'>): void;
  /** 202, or a refusal. The key must be held. */
  take(
    order: ExportOrder,
    o: { judge: Judge; key: string | null; requestId: string; staging?: Staging | undefined },
  ): Promise<Taken>;
  /** What `take` would do; nothing is stored. */
  foresee(order: ExportOrder, judge: Judge): ReturnType<typeof foresee>;
};

export function createIntake(api: ExportsApi): Intake {
  const inFlight = new Set<string>();
  return {
    hold: ({ client, diga }, key) => {
      if (key === null) return () => {};
      const lock = JSON.stringify([client, diga, key]);
      if (inFlight.has(lock))
        throw new RequestError(
          'IDEMPOTENCY_KEY_IN_USE',
          'the first request with this Idempotency-Key is not answered yet',
        );
      inFlight.add(lock);
      return () => void inFlight.delete(lock);
    },
    early: (terms) => refuse(checkTimes(terms, api.now()), undefined),
    take: async (order, { judge, key, requestId, staging }) => {
      const { db, vault, checkpoint } = api;
      const named = key === null ? null : idempotencyKey(vault, key, bodyOfOrder(order));
      const replay = named === null ? undefined : await replayOf(db, order, named);
      if (replay !== undefined) return { id: replay, diga: order.diga, replayed: true };
      refuse(checkTimes(order, api.now()), await judge());
      const by = { key: named, requestId, staging, checkpoint };
      const accepted = await acceptExport({ db, vault, order, now: api.now(), ...by });
      if (!accepted.replayed) tell(api, order, accepted);
      return { id: accepted.id, diga: order.diga, replayed: accepted.replayed };
    },
    foresee: async (order, judge) => {
      refuse(checkTimes(order, api.now()), await judge());
      return foresee({ ...api, order, now: api.now() });
    },
  };
}

/** The order of a body of JSON. DOCUMENT_TOO_LARGE, FORBIDDEN. */
export function orderOf(
  body: ExportBody,
  { api, caller }: { api: ExportsApi; caller: Caller },
): { order: ExportOrder; judge: Judge } {
  const terms = termsOf(body, caller, api.digas);
  const { mimeType, base64 } = body.content;
  const content = Buffer.from(base64, 'base64');
  const limit = Math.min(api.documentBytes, JSON_DOCUMENT_BYTES);
  if (content.length > limit)
    throw new RequestError(
      'DOCUMENT_TOO_LARGE',
      `a document inside JSON may have ${limit} bytes; as multipart/form-data it may have ${api.documentBytes}`,
    );
  return {
    order: { ...terms, document: { mimeType, content } },
    judge: () => checkDocumentInTurns({ mimeType, content, kvnr: terms.kvnr, pointer: '/content/base64' }),
  };
}

/** Takes in what came as JSON. */
export async function takeOrder(
  body: ExportBody,
  o: { api: ExportsApi; intake: Intake; caller: Caller; key: string | null; requestId: string },
): Promise<Taken> {
  const { order, judge } = orderOf(body, o);
  const release = o.intake.hold(order, o.key);
  try {
    return await o.intake.take(order, { judge, key: o.key, requestId: o.requestId });
  } finally {
    // What is stored can be replayed: a client that lost its connection need not wait for a wait to end.
    release();
  }
}

/** The order without its documents, which JSON and multipart bring in ways of their own. */
export function termsOf(body: ExportBody | ExportPart, caller: Caller, digas: ReadonlySet<string>) {
  const { content: _content, diga: asked, reference, ...rest } = body;
  return { ...rest, diga: digaOf(caller, asked, digas), client: caller.id, reference: reference ?? null };
}

/** The same text for the same order, in whatever kind of body it came: documents count by their hash (D6). */
function bodyOfOrder(order: ExportOrder): string {
  const { document: _document, pdf: _pdf, ...terms } = order;
  const documents = partsOf(order).map(([part, d]) => ({ part, mimeType: d.mimeType, ...factsOf(d) }));
  return canonicalJson({ ...terms, documents });
}

function refuse(untimely: ReturnType<typeof checkTimes>, verdict: DocumentVerdict | undefined): void {
  const findings = [...untimely, ...(verdict?.findings ?? [])];
  if (untimely.length > 0)
    throw new RequestError('EXPORT_INVALID', 'the export could never go as it is, see findings', { findings });
  if (verdict !== undefined)
    throw new RequestError(verdict.code, 'the document has faults, each named in findings', { findings });
}

function tell(api: ExportsApi, order: ExportOrder, accepted: { id: string; superseded: string[] }): void {
  api.metrics.exportEntered('queued', null);
  for (const id of accepted.superseded) {
    api.finalWaits.ended(id);
    api.metrics.exportEntered('superseded', 'SUPERSEDED');
    api.log.info('export superseded', { export: id, code: 'SUPERSEDED' });
  }
  const person = api.vault.pseudonym(order.diga, order.kvnr);
  api.log.info('export accepted', { export: accepted.id, diga: order.diga, client: order.client, person });
  api.wake();
}
