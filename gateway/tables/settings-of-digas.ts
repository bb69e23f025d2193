// Settings of DiGAs: their app, metadata of their documents and who is told of their events.
import { z } from 'zod';
import { file, id } from './settings-words.ts';

/** What a webhook can be told of: the types of events (api.md section 2). */
export const EVENT_TYPES = [
  'export.queued',
  'export.running',
  'export.waiting',
  'export.unclear',
  'export.written',
  'export.unchanged',
  'export.superseded',
  'export.refused',
  'export.failed',
  'export.cancelled',
  'person.revoked',
  'person.forgotten',
] as const;

const webhook = z.strictObject({
  id: id.describe(
    'Name of this target in logs, metrics and answers; a new name begins with the events of then (MON-06).',
  ),
  url: z
    .url({ protocol: /^https?$/, hostname: /^[^@]+$/ })
    .max(2048)
    .describe('Where the messages go: https; plain http in SIM on loopback only (D16, D18).'),
  secretFile: file.describe(
    'File with the secret that signs them, one line: whsec_ and 24 to 64 bytes in Base64 (Standard Webhooks); readable by the owner only.',
  ),
  previousSecretFile: file
    .optional()
    .describe('During a rotation the secret of before: messages then carry both signatures.'),
  caFile: file
    .optional()
    .describe('Trust anchors of its TLS certificate, PEM. Without it the public CAs that Node brings.'),
  events: z.array(z.enum(EVENT_TYPES)).min(1).optional().describe('Types of events that it is told; without it all.'),
  language: z.enum(['de', 'en']).default('de').describe('Language of the remedies in its messages.'),
});

/** Stands in every document: no control characters, not blank. */
const word = (max: number) =>
  z
    .string()
    .max(max)
    .regex(/^(?=.*\S)[^\p{Cc}\p{Cs}]+$/u, 'text without control characters');

const app = z
  .strictObject({
    veId: word(100).describe('DiGA-VE-ID: id of the Verordnungseinheit at BfArM.'),
    pzn: z
      .string()
      .regex(/^[0-9]{8}$/, 'a PZN of eight digits')
      .describe('Pharmazentralnummer of the DiGA.'),
    name: word(120).optional().describe('Name of the app in the document; without it the name of the DiGA.'),
    versions: z
      .array(
        z.strictObject({
          name: word(120).describe('What has this version, e.g. Softwareversion.'),
          value: word(120).describe('The version, e.g. 3.2.1.'),
        }),
      )
      .max(16)
      .default([])
      .describe('Versions of the app that the document names.'),
    manufacturer: z.strictObject({
      name: word(200)
        .optional()
        .describe('Name of the maker in the document; without it the manufacturer of the DiGA.'),
      url: z
        .url({ protocol: /^https?$/ })
        .max(2048)
        .describe('Website of the maker.'),
      address: z
        .strictObject({
          street: word(200).optional().describe('Street of the maker; this or postBox.'),
          houseNumber: word(50).optional().describe('House number, with street only.'),
          addition: word(200).optional().describe('Further line of the address, with street only.'),
          postBox: word(200).optional().describe('Post office box.'),
          postalCode: word(20).optional().describe('Postal code.'),
          city: word(200).optional().describe('Town.'),
          country: word(100).optional().describe('Country, e.g. D.'),
        })
        .optional(),
    }),
  })
  .describe('What documents built by the gateway say about the app.');

const metadata = z
  .strictObject({
    title: word(120)
      .optional()
      .describe('Title of its documents in the record; without it Export and the name of the DiGA.'),
    authorSpecialty: z
      .string()
      .regex(/^[A-Za-z0-9_.:-]{1,64}$/, 'a code of the value set')
      .optional()
      .describe('Code of authorSpecialty (1.3.6.1.4.1.19376.3.276.1.5.11); without it none is sent.'),
    confidentiality: z
      .enum(['none', 'normal'])
      .default('none')
      .describe('confidentialityCode: none is sent, or N as the examples of ePA 2.6 have it.'),
    creationTimeOffsetMinutes: z
      .int()
      .min(-720)
      .max(0)
      .default(0)
      .describe('creationTime is UTC; a record system that compares local time may want an earlier one.'),
  })
  .optional()
  .describe('What the reference leaves open in the metadata of its documents (docs/divergences.md).');

const mioVersion = z.string().regex(/^\d{1,3}\.\d{1,3}\.\d{1,3}$/, 'a version, e.g. 1.1.0');

const diga = z.strictObject({
  id: id.describe('Name of the DiGA in the API.'),
  name: z.string().min(1).max(120).describe('Name of the DiGA as the record shows it (author).'),
  manufacturer: z.string().min(1).max(120).describe('Name of the maker (authorInstitution).'),
  telematikId: z
    .string()
    .regex(/^[0-9]{1,2}-[A-Za-z0-9.-]{1,125}$/, 'a Telematik-ID, e.g. 9-…')
    .describe('Telematik-ID of its SMC-B; one DiGA, one card, one folder (EXP-26).'),
  konnektors: z.array(id).min(1).describe('Konnektors that can reach the SMC-B, in order of preference.'),
  app: app.optional().describe('Needed where `content.mode` is simple, or fhir with resources.'),
  mioVersions: z
    .array(mioVersion)
    .min(1)
    .max(4)
    .default(['1.1.0'])
    .describe(
      'Versions of the MIO DiGA Toolkit that its documents may have; the first one is the default (D25, EXP-13).',
    ),
  metadata,
  webhooks: z.array(webhook).max(16).default([]).describe('Who is told of the events of this DiGA (docs/webhooks.md).'),
});

export const digas = z.array(diga).min(1);
