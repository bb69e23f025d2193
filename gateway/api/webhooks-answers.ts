// What `POST /v1/webhooks/test` answers, as a schema (api.md section 2).
import { z } from 'zod';

export const webhookTestAnswer = z
  .object({
    webhooks: z.array(
      z
        .object({
          id: z.string(),
          delivered: z.boolean(),
          status: z.int().nullable().meta({ description: 'Status that the receiver answered; null: no whole answer' }),
          code: z.string().nullable(),
          remedy: z.string().nullable(),
          ms: z.int(),
        })
        .meta({ id: 'WebhookTest' }),
    ),
  })
  .meta({ id: 'WebhookTests' });
