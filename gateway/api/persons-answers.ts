// Bodies and answers of `/v1/persons/…` as schemas (api.md section 2): the bodies are what checks the requests. No answer has a
// member for a KVNR (D15).
import { z } from 'zod';
import { code, exportView, time, userMessage, who } from './answers.ts';
import { because, kvnr, text } from './export-body.ts';

const ids = z.array(z.string());

export const personBody = z.strictObject({ diga: text(64).optional(), kvnr }).meta({ id: 'Person' });

export const revokedAnswer = z
  .object({
    diga: z.string(),
    revokedAt: time.meta({ description: 'Consents granted until then are taken back' }),
    cancelled: ids.meta({ description: 'Exports that ended now with `REVOKED`; nothing of them will be sent' }),
    finishing: ids.meta({
      description:
        'Exports of which bytes are on the wire or whose answer was lost: finished, and reported like every other',
    }),
  })
  .meta({ id: 'Revocation' });

/** Pages of exports; the cursor is the `next` of the page before. */
export const holdingsBody = z
  .strictObject({
    diga: text(64).optional(),
    kvnr,
    after: z
      .string()
      .max(15)
      .refine((t) => /^[0-9]+$/.test(t), because('CURSOR_INVALID', 'must be the next of the page before'))
      .meta({ pattern: '^[0-9]+$', description: '`next` of the page before' })
      .optional(),
    limit: z.int().min(1).max(200).default(50),
  })
  .meta({ id: 'HoldingsQuestion' });

export const receiptAnswer = z
  .object({
    id: z.string().meta({ description: 'Of the receipt; the event and the audit trail name it' }),
    at: time,
    diga: z.string(),
    erased: z.object({
      kvnr: z.int(),
      exports: z.int(),
      documents: z.int(),
      series: z.int(),
      events: z.int(),
      timelineEntries: z.int(),
      idempotencyKeys: z.int(),
    }),
    unclear: z.int().meta({ description: 'Exports of which nobody knows whether their document is in the record' }),
    kept: z.object({
      audit: z.boolean().meta({ description: 'The audit trail, which names no person in the clear' }),
      revocation: z.boolean().meta({ description: 'Look-up key and time of a revocation, so that it stays one' }),
    }),
    backupsForgetBy: time.nullable().meta({
      description: 'When the last backup of the gateway that holds wrapped keys expires; null: the gateway made none',
    }),
    notice: z.string().meta({ description: 'What forgetting cannot do, to be passed on to the insured' }),
  })
  .meta({ id: 'ForgetReceipt' });

const held = z
  .object({
    ...exportView.shape,
    client: z.string(),
    consent: z.object({ id: z.string(), version: z.string(), grantedAt: time }),
    kvnrSource: z.object({ issuer: z.string(), authenticatedAt: time }),
    prescriptionEnds: z.string(),
    contentHeld: z.boolean(),
    contentErasedBy: time.nullable(),
  })
  .meta({ id: 'HeldExport' });

export const holdingsAnswer = z
  .object({
    diga: z.string(),
    known: z.boolean(),
    kvnrHeld: z.boolean(),
    firstSeenAt: time.nullable(),
    revokedAt: time.nullable(),
    events: z.int(),
    idempotencyKeys: z.int(),
    series: z.array(
      z.object({
        series: z.string(),
        part: z.string().nullable(),
        entryUuid: z.string(),
        version: z.int(),
        recordSystem: z.string(),
        sha256: z.string().nullable(),
        export: z.string().nullable(),
        frozen: z.boolean(),
        doubtful: z.boolean(),
        updatedAt: time,
      }),
    ),
    exports: z.array(held).meta({ description: 'Newest first' }),
    next: z.string().nullable().meta({ description: '`after` of the next page' }),
  })
  .meta({ id: 'Holdings' });

export const checkAnswer = z
  .object({
    diga: z.string(),
    found: z.boolean().nullable().meta({
      description: 'There is an active record; null: that could not be found out now, `code` says why',
    }),
    recordSystem: z.string().nullable(),
    code: code.nullable(),
    who: who.optional(),
    remedy: z.string().optional(),
    userMessage: userMessage.optional(),
  })
  .meta({ id: 'RecordCheck' });
