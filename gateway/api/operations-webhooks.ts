// The route table of webhooks: what `/openapi.json` tells about them (operation.ts).
import type { Operation } from './operation.ts';
import { testQuery } from './webhooks.ts';
import { webhookTestAnswer } from './webhooks-answers.ts';

export const webhookOperations: readonly Operation[] = [
  {
    id: 'testWebhooks',
    method: 'post',
    path: '/v1/webhooks/test',
    tag: 'webhooks',
    summary: 'Send a signed test message to the webhooks of the DiGA, now',
    description:
      'Its `type` is `webhook.test`, its `seq` and `data` are null; it is no event and is not repeated. Answered when every ' +
      'target has, after 10 seconds at most. A target that answered 410 before is told everything again once it takes one.',
    role: 'writer',
    query: testQuery,
    headers: ['Accept-Language'],
    answers: {
      200: {
        description: 'How each target took it, in the order of the settings',
        media: { 'application/json': { schema: webhookTestAnswer } },
      },
    },
    refusals: ['NOT_FOUND', 'EXPORT_INVALID'],
  },
];
