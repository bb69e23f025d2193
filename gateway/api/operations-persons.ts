// The route table of what concerns a person as a whole: what `/openapi.json` tells about it (operation.ts).
import type { Operation } from './operation.ts';
import { personBody, revokedAnswer } from './persons-answers.ts';

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
];
