// The route table of what concerns a person as a whole: what `/openapi.json` tells about it (operation.ts).
import type { Operation } from './operation.ts';
import {
  checkAnswer,
  holdingsAnswer,
  holdingsBody,
  personBody,
  receiptAnswer,
  revokedAnswer,
} from './persons-answers.ts';

import { importAnswer, importBody } from './series-import-body.ts';

const JSON_TYPE = 'application/json';
const tag = 'persons';

export const personOperations: readonly Operation[] = [
  {
    id: 'revokePerson',
    method: 'post',
    path: '/v1/persons/revoke',
    tag,
    summary: 'Take back the consent of an insured person',
    description:
      'What has not left ends as `cancelled`, its content erased, and nothing of it is sent after the answer. New exports are ' +
      'refused with `REVOKED` until one names a consent with another `id` or `version`, granted after `revokedAt`. Also for ' +
      'persons whom the gateway has never seen. What stands in the record stays there: a DiGA cannot delete it.',
    role: 'writer',
    body: { [JSON_TYPE]: { schema: personBody } },
    answers: {
      200: { description: 'Revoked', headers: ['ETag'], media: { [JSON_TYPE]: { schema: revokedAnswer } } },
    },
    refusals: ['BODY_INVALID', 'EXPORT_INVALID', 'MEDIA_TYPE_UNSUPPORTED'],
  },
  {
    id: 'forgetPerson',
    method: 'post',
    path: '/v1/persons/forget',
    tag,
    summary: 'Forget an insured person of the DiGA',
    description:
      'KVNR, documents, exports, the chain of document IDs and events are gone; the audit trail stays. A DiGA cannot delete in the ' +
      'ePA: what stands in the record stays there, and can no longer be replaced, since its IDs are forgotten. A new export ' +
      'begins with version 1. Where exports must not come back, revoke first: the revocation stays in force.',
    role: 'writer',
    headers: ['Accept-Language'],
    body: { [JSON_TYPE]: { schema: personBody } },
    answers: {
      200: { description: 'The receipt', headers: ['ETag'], media: { [JSON_TYPE]: { schema: receiptAnswer } } },
    },
    refusals: ['BODY_INVALID', 'EXPORT_INVALID', 'MEDIA_TYPE_UNSUPPORTED', 'STATE_CONFLICT'],
  },
  {
    id: 'readHoldings',
    method: 'post',
    path: '/v1/persons/holdings',
    tag,
    summary: 'Everything held on an insured person of the DiGA',
    description:
      'For the answer to an access request (Art. 15 GDPR). A POST, because a KVNR has no place in an address.',
    role: 'reader',
    headers: ['Accept-Language'],
    body: { [JSON_TYPE]: { schema: holdingsBody } },
    answers: {
      200: { description: 'What is held', headers: ['ETag'], media: { [JSON_TYPE]: { schema: holdingsAnswer } } },
    },
    refusals: ['BODY_INVALID', 'EXPORT_INVALID', 'MEDIA_TYPE_UNSUPPORTED'],
  },
  {
    id: 'checkPerson',
    method: 'post',
    path: '/v1/persons/check',
    tag,
    summary: 'Is there an active record, and in which record system',
    description:
      'Asks every record system as an export would, and writes nothing. What was found is remembered for `locate.cacheSeconds`. ' +
      'Whether the insured has approved the DiGA is not asked: only a write tells.',
    role: 'writer',
    headers: ['Accept-Language'],
    body: { [JSON_TYPE]: { schema: personBody } },
    answers: {
      200: {
        description: 'Found, not found, or not known now',
        headers: ['ETag'],
        media: { [JSON_TYPE]: { schema: checkAnswer } },
      },
    },
    refusals: ['BODY_INVALID', 'EXPORT_INVALID', 'MEDIA_TYPE_UNSUPPORTED'],
  },
  {
    id: 'importSeries',
    method: 'post',
    path: '/v1/series/import',
    tag: 'series',
    summary: 'Bring in known document IDs: after a loss, from another client, or to end a doubt',
    description:
      'All of the list or nothing. The highest version of a series becomes the target of the next export, and exports that waited ' +
      'for it go on; an open export whose document the list names is written. `entryUuid` null says that the record holds ' +
      'nothing of the series. What this gateway knows for certain is not overruled: 409 `STATE_CONFLICT` with findings. ' +
      'Until the record system takes a replacement, the series is `doubtful`.',
    role: 'writer',
    body: { [JSON_TYPE]: { schema: importBody } },
    answers: {
      200: { description: 'Imported', headers: ['ETag'], media: { [JSON_TYPE]: { schema: importAnswer } } },
    },
    refusals: ['BODY_INVALID', 'EXPORT_INVALID', 'MEDIA_TYPE_UNSUPPORTED', 'STATE_CONFLICT'],
  },
];
