// Body and answer of `POST /v1/series/import` as schemas.
import { z } from 'zod';
import { because, instant, isDay, kvnr, text } from './export-body.ts';

const UUID = '^urn:uuid:[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$';
const SHA256 = '^[0-9a-f]{64}$';

const matching = (pattern: string, refusal: string, description: string) =>
  z
    .string()
    .refine((t) => new RegExp(pattern).test(t), refusal)
    .meta({ pattern, description });

/** As documents are named here (D4): under another name nothing would ever replace it. */
const part = z
  .string()
  .max(64)
  .refine(
    (t) => t === 'pdf' || isDay(t),
    because('PART_INVALID', 'must be null, pdf, or the first day of a part, e.g. 2026-10-01'),
  )
  .meta({
    pattern: '^(pdf|\\d{4}-\\d{2}-\\d{2})$',
    description:
      'null: the document itself; `pdf`: the PDF beside it; a day: the part of a split document that begins then',
  });

const entry = z
  .strictObject({
    diga: text(64).optional(),
    kvnr,
    series: text(64).default('main'),
    part: part.nullable().optional(),
    entryUuid: matching(
      UUID,
      because('ENTRY_UUID_INVALID', 'must be urn:uuid: and a UUID, or null'),
      'DocumentEntry.entryUUID; null: the record holds nothing of the series',
    ).nullable(),
    version: z.int().min(1).max(1_000_000).optional(),
    recordSystem: text(64).optional(),
    sha256: matching(
      SHA256,
      because('SHA256_INVALID', 'must be 64 lower-case hexadecimal digits'),
      'Of its bytes',
    ).optional(),
    writtenAt: instant.optional(),
  })
  .superRefine((e, context) => {
    for (const member of ['version', 'recordSystem'] as const)
      if (e.entryUuid !== null && e[member] === undefined)
        context.addIssue({ code: 'custom', path: [member], message: because('MEMBER_MISSING', 'is missing') });
    for (const member of ['version', 'recordSystem', 'sha256', 'writtenAt'] as const)
      if (e.entryUuid === null && e[member] !== undefined)
        context.addIssue({
          code: 'custom',
          path: [member],
          message: because('MEMBER_UNKNOWN', 'has no meaning where entryUuid is null'),
        });
  });

/** Several entries of one series are its chain: the one with the highest version is the newest. */
export const importBody = z.strictObject({ entries: z.array(entry).min(1).max(1000) }).meta({ id: 'SeriesImport' });
export type ImportBody = z.output<typeof importBody>;

const ids = z.array(z.string());
export const importAnswer = z
  .object({
    series: z.array(
      z.object({
        entry: z.int().meta({ description: 'Index of the first entry about this series' }),
        diga: z.string(),
        series: z.string(),
        part: z.string().nullable(),
        version: z.int().nullable(),
        entryUuid: z.string().nullable().meta({ description: 'Target of the next version' }),
        changed: z.boolean().meta({ description: 'It was not known as the newest before' }),
        written: ids.meta({ description: 'Open exports whose document is in the record, as the list says' }),
        resumed: ids.meta({ description: 'Exports that go on now' }),
      }),
    ),
  })
  .meta({ id: 'SeriesImported' });
