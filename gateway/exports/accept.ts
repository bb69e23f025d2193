// Accepting an export (B7 step 1, D5): bytes, hash, entryUUID and uniqueId are fixed and saved together with the sealed
// content, the idempotency key and the superseding of older exports in ONE transaction; 202 is answered after it (EXP-03). Large
// content is sealed into the store before it, which only binds that to the export: nobody waits for a document (staging.ts).
import { randomBytes, randomUUID, randomUUIDv7 } from 'node:crypto';
import { GatewayError } from '../errors.ts';
import type { Vault } from '../vault/keys.ts';
import { sealContent, sealValue } from '../vault/seal.ts';
import { appendAudit } from './audit.ts';
import { beginning, ending, endOfDay } from './calendar.ts';
import { type Checkpoint, durably } from './checkpoints.ts';
import type { Database, Queries } from './database.ts';
import type { Finding } from './finding.ts';
import { type IdempotencyKey, rememberKey, replayOf } from './idempotency.ts';
import { type FurtherPart, factsOf, type OrderedDocument, type Part, partsOf } from './ordered-document.ts';
import { recordEvent } from './outbox.ts';
import { GroundsChanged, keepMemories, type Memories } from './part-memory.ts';
import { isRevoked } from './revocation.ts';
import { readSealedInsured, sealInsured } from './row-seals-series.ts';
import { refuseBesideParts } from './split-series.ts';
import { adoptStaged, type Staging, withLargeStaged } from './staging.ts';
import { appendTimeline } from './store.ts';
import { supersedeOlder } from './sweep.ts';

/** An export order that is checked in every respect; its content is validated. */
export type ExportOrder = {
  diga: string;
  client: string;
  reference: string | null;
  kvnr: string;
  kvnrSource: { issuer: string; authenticatedAt: string };
  series: string;
  queue: 'latest' | 'all';
  priority: 'user' | 'batch';
  consent: { id: string; version: string; grantedAt: string };
  prescriptionEnds: string;
  notBefore: string | null;
  notAfter: string | null;
  onTargetGone: 'fail' | 'create-new';
  document: OrderedDocument;
  /** Of the document, where none goes on with the chain of the whole: an import named parts only. */
  part?: Part | undefined;
  /** Parts of a document that was split (D4). */
  further?: readonly FurtherPart[] | undefined;
  /** Of a document built here: what it was built on. */
  memories?: Memories | undefined;
  /** Beside the document (D4). */
  pdf?: OrderedDocument | undefined;
};

export type Acceptance = { id: string; replayed: boolean; superseded: string[] };

/** PRESCRIPTION_ENDED (EXP-17); otherwise findings for times that let the export never go. */
export function checkTimes(order: Omit<ExportOrder, 'document'>, now: number): Finding[] {
  if (now >= endOfDay(order.prescriptionEnds))
    throw new GatewayError('PRESCRIPTION_ENDED', 'the prescription period has ended');
  const findings: Finding[] = [];
  const add = (member: string, code: string, message: string) =>
    findings.push({ pointer: `/${member}`, path: member, code, message });
  if (order.notAfter !== null && ending(order.notAfter) <= now) add('notAfter', 'TIME_PAST', 'has passed already');
  if (order.notBefore !== null && beginning(order.notBefore) >= deadlineOf(order).at)
    add('notBefore', 'TIME_ORDER', 'lies behind notAfter or the end of the prescription');
  return findings;
}

export type Accepting = {
  db: Database;
  vault: Vault;
  order: ExportOrder;
  key: IdempotencyKey | null;
  now: number;
  requestId?: string;
  /** Where the documents lie that are not in memory. */
  staging?: Staging | undefined;
  checkpoint?: Checkpoint | undefined;
};

/** Saves the export; when it answers, the export survives kill -9 and power loss. GroundsChanged: to be built again. */
export async function acceptExport(o: Accepting): Promise<Acceptance> {
  return withLargeStaged(o, (staged) => saveOnKnownKeys({ ...o, ...staged }));
}

async function saveOnKnownKeys(o: Accepting): Promise<Acceptance> {
  try {
    return await save(o);
  } catch (thrown) {
    // Another gateway on this store has dropped the generation that was the newest here: the store refused it.
    if (thrown instanceof GatewayError || thrown instanceof GroundsChanged) throw thrown;
    if (!(await o.vault.reload())) throw thrown;
    if (o.order.memories?.key.fresh === true) throw new GroundsChanged();
    return save(o);
  }
}

async function save(o: Accepting): Promise<Acceptance> {
  const { order, vault, now } = o;
  const id = o.staging?.id ?? randomUUIDv7();
  const lookupKey = vault.lookupKey(order.diga, order.kvnr);
  const insuredKey = vault.newDataKey(order.diga, `insured/${lookupKey}`);
  const contentKey = vault.newDataKey(order.diga, `export/${id}`, o.staging?.key);
  const deadline = deadlineOf(order);
  const notBefore = order.notBefore === null ? null : beginning(order.notBefore);
  const deferred = notBefore !== null && notBefore > now;
  return durably(o.db, { turn: 'accept', checkpoint: o.checkpoint }, async (tx) => {
    if (o.key !== null) {
      const earlier = await replayOf(tx, { client: order.client, diga: order.diga }, o.key);
      if (earlier !== undefined) return { id: earlier, replayed: true, superseded: [] };
    }
    await readSealedInsured(tx, lookupKey);
    await tx
      .insertInto('insured')
      .values({
        lookup_key: lookupKey,
        diga: order.diga,
        wrapped_key: insuredKey.wrapped,
        kvnr_sealed: sealValue(insuredKey.key, `insured/${lookupKey}`, order.kvnr),
        created_at: now,
        wrapped_under: insuredKey.under,
        prescription_ends: order.prescriptionEnds,
      })
      // Known with its KVNR: stays as it is; known after the KVNR was erased: held again, the chain goes on (D6).
      .onConflict((c) =>
        c
          .column('lookup_key')
          .doUpdateSet((e) => ({
            wrapped_key: e.ref('excluded.wrapped_key'),
            kvnr_sealed: e.ref('excluded.kvnr_sealed'),
            wrapped_under: e.ref('excluded.wrapped_under'),
            prescription_ends: e.ref('excluded.prescription_ends'),
          }))
          .where('insured.kvnr_sealed', 'is', null),
      )
      .execute();
    await sealInsured(tx, lookupKey);
    // After the insured's row is held: a revocation beside this one comes wholly before or wholly after it (EXP-16).
    await refuseRevoked(tx, order, lookupKey);
    // RET-03: kept as long as the longest of the prescriptions needs it.
    await tx
      .updateTable('insured')
      .set({ prescription_ends: order.prescriptionEnds })
      .where('lookup_key', '=', lookupKey)
      .where('prescription_ends', '<', order.prescriptionEnds)
      .execute();
    const { seq } = await tx
      .insertInto('exports')
      .values({
        id,
        diga: order.diga,
        client: order.client,
        reference: order.reference,
        lookup_key: lookupKey,
        series: order.series,
        queue: order.queue,
        priority: order.priority,
        on_target_gone: order.onTargetGone,
        consent_id: order.consent.id,
        consent_version: order.consent.version,
        consent_granted_at: Date.parse(order.consent.grantedAt),
        kvnr_issuer: order.kvnrSource.issuer,
        kvnr_authenticated_at: Date.parse(order.kvnrSource.authenticatedAt),
        prescription_ends: order.prescriptionEnds,
        not_before: notBefore,
        deadline_at: deadline.at,
        deadline_code: deadline.code,
        status: deferred ? 'waiting' : 'queued',
        phase: null,
        claim: null,
        attempts: 0,
        unanswered: 0,
        retry_step: 0,
        reason_code: deferred ? 'NOT_BEFORE' : null,
        reason_check: null,
        reason_foreign: null,
        reason_export: null,
        reason_since: deferred ? now : null,
        next_attempt_at: deferred ? notBefore : now,
        retry_requested: 0,
        retried_at: null,
        wrapped_key: contentKey.wrapped,
        wrapped_under: contentKey.under,
        erase_at: null,
        created_at: now,
        updated_at: now,
      })
      .returning('seq')
      .executeTakeFirstOrThrow();
    if (o.staging !== undefined) await adoptStaged(tx, o.staging);
    for (const [position, [part, document]] of partsOf(order).entries()) {
      const facts = factsOf(document);
      await tx
        .insertInto('documents')
        .values({
          export_id: id,
          part,
          entry_uuid: `urn:uuid:${randomUUID()}`,
          unique_id: newUniqueId(),
          mime_type: document.mimeType,
          ...facts,
          creation_time: now,
          version: null,
          replaces: null,
          without_target: 0,
          record_system: null,
          status: 'queued',
          written_at: null,
          position,
          sealed_period:
            document.period === undefined
              ? null
              : sealValue(contentKey.key, `${id}/${part}/period`, JSON.stringify(document.period)),
        })
        .execute();
      if (!('content' in document)) continue;
      for (const [n, sealed] of sealContent(contentKey.key, `${id}/${part}`, document.content).entries())
        await tx.insertInto('sealed_chunks').values({ export_id: id, part, n, sealed }).execute();
    }
    if (order.memories !== undefined)
      await keepMemories(tx, {
        exportId: id,
        place: { lookup_key: lookupKey, series: order.series },
        supersedes: !deferred,
        memories: order.memories,
        built: partsOf(order).flatMap(([part, { memory }]) => (memory === undefined ? [] : [{ part, memory }])),
      });
    await appendTimeline(tx, id, [{ at: now, step: 'accepted' }]);
    if (o.key !== null)
      await rememberKey(tx, { client: order.client, diga: order.diga, key: o.key, exportId: id, now });
    const superseded = deferred
      ? []
      : await supersedeOlder(tx, { id, seq, lookup_key: lookupKey, series: order.series }, now);
    // After the superseding: none of those goes before it any more.
    await refuseBesideParts(tx, order, lookupKey);
    await recordEvent(tx, id, now);
    await appendAudit(tx, {
      at: now,
      actor: { kind: 'client', id: order.client },
      action: 'export.accepted',
      object: { kind: 'export', id },
      diga: order.diga,
      ...(o.requestId !== undefined && { requestId: o.requestId }),
      details: grounds(order),
    });
    return { id, replayed: false, superseded };
  });
}

/** REVOKED: the insured has taken this consent back (EXP-16). */
export async function refuseRevoked(db: Queries, order: ExportOrder, lookupKey: string): Promise<void> {
  const { consent } = order;
  const revoked = await isRevoked(db, {
    lookup_key: lookupKey,
    consent_id: consent.id,
    consent_version: consent.version,
    consent_granted_at: Date.parse(consent.grantedAt),
  });
  if (revoked) throw new GatewayError('REVOKED', 'the insured person has revoked this consent');
}

function deadlineOf(order: Pick<ExportOrder, 'prescriptionEnds' | 'notAfter'>): {
  at: number;
  code: 'PRESCRIPTION_ENDED' | 'EXPORT_EXPIRED';
} {
  const prescription = endOfDay(order.prescriptionEnds);
  const notAfter = order.notAfter === null ? Number.POSITIVE_INFINITY : ending(order.notAfter);
  return notAfter < prescription
    ? { at: notAfter, code: 'EXPORT_EXPIRED' }
    : { at: prescription, code: 'PRESCRIPTION_ENDED' };
}

/** On what grounds an export was taken: the reference of the consent (EXP-15), where the KVNR comes from (EXP-20). */
const grounds = ({ series, consent, kvnrSource, prescriptionEnds }: ExportOrder) => ({
  series,
  consentId: consent.id,
  consentVersion: consent.version,
  consentGrantedAt: consent.grantedAt,
  kvnrIssuer: kvnrSource.issuer,
  kvnrAuthenticatedAt: kvnrSource.authenticatedAt,
  prescriptionEnds,
});

/** OID of a random UUID in decimal (X.667, `2.25.`). */
function newUniqueId(): string {
  return `2.25.${BigInt(`0x${randomBytes(16).toString('hex')}`)}`;
}
