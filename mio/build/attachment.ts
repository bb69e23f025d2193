// A file the insured or the DiGA adds (mio-diga.md sections 5 and 7): DocumentReference, section Anhänge. Either the file itself, which
// counts towards the 25 MB, or an address, which is written down and never fetched.
import type { DocumentReference } from '@medplum/fhirtypes';
import { z } from 'zod';
import { PROFILE } from './context.ts';
import { because, date, instant, oneOf, text } from './inputs.ts';
import { defineKind } from './kind.ts';
import { listOf, namesIn, PERSONS, personOf, referenceTo } from './named.ts';
import type { WrittenResource } from './written.ts';

const DOCUMENT = `${PROFILE}DocumentReference`;

/** In small letters, with parameters: `text/plain; charset=utf-8`. */
const MEDIA_TYPE = /^[a-z0-9][a-z0-9.+-]*\/[a-z0-9][a-z0-9.+-]*(; ?[a-z0-9-]+=[\w.-]+)*$/;
const mediaType = z
  .string()
  .max(200)
  .regex(MEDIA_TYPE, because('MEDIA_TYPE_INVALID', 'must be a media type'))
  .meta({ format: 'media-type' });

const base64 = z
  .string()
  .refine(
    (value) => value.length % 4 === 0 && /^[A-Za-z0-9+/]+={0,2}$/.test(value),
    because('BASE64_INVALID', 'must be base64 with padding and without white space'),
  )
  .meta({ format: 'base64' });

/** What readers may be shown as a link: nothing but https, and no name or password in it. */
const address = z
  .string()
  .max(2000)
  .refine(isWebAddress, because('URL_INVALID', 'must be an https URL without user and password'))
  .meta({ format: 'https-url' });

function isWebAddress(value: string): boolean {
  if (!/^https:\/\/[\x21-\x7e]+$/.test(value)) return false;
  const url = URL.parse(value);
  return url !== null && url.hostname !== '' && url.username === '' && url.password === '';
}

const fileType = mediaType.describe('what it is: application/pdf');
const fileMembers = {
  title: text(1000).optional().describe('its name, as shown to readers'),
  created: date.optional().describe('when the file was made'),
};

export const attachment = defineKind({
  kind: 'attachment',
  profile: DOCUMENT,
  section: 'anhaenge',
  members: (lists) => ({
    file: z
      .union([
        z.strictObject({ contentType: fileType, data: base64.describe('the file'), ...fileMembers }),
        z.strictObject({ contentType: fileType.optional(), url: address.describe('where it is'), ...fileMembers }),
      ])
      .describe('the file itself, in base64, or where it is; an address is never fetched'),
    at: instant.optional().describe('when it was added'),
    status: oneOf(lists, 'document-reference-status').optional().describe('default current'),
    text: text().optional().describe('what it is about'),
    authors: listOf(personOf([...PERSONS, 'organization', 'device']))
      .optional()
      .describe('who made it'),
  }),
  names: (entry) => namesIn(['authors'], entry.authors),
  build: (entry, context): WrittenResource<DocumentReference> => {
    const { contentType, title, created } = entry.file;
    return {
      ...context.resource(DOCUMENT, entry.kind, entry.id),
      status: entry.status ?? 'current',
      subject: context.subject,
      date: entry.at,
      author: entry.authors?.map((author) => referenceTo(author, context)),
      description: entry.text,
      content: [
        {
          attachment: {
            contentType,
            data: 'data' in entry.file ? entry.file.data : undefined,
            url: 'url' in entry.file ? entry.file.url : undefined,
            title,
            creation: created,
          },
        },
      ],
    };
  },
  example: {
    kind: 'attachment',
    id: 'letter-1',
    at: '2025-01-20T09:00:00+01:00',
    file: {
      contentType: 'text/plain',
      data: 'TWl0dGVpbHVuZyBkZXIgUHJheGlzCg==',
      title: 'Mitteilung der Praxis',
      created: '2025-01-17',
    },
    text: 'Von der versicherten Person hochgeladen.',
    authors: ['patient'],
  },
});
