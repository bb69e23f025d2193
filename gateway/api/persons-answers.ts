// Bodies and answers of `/v1/persons/…` as schemas (api.md section 2): the bodies are what checks the requests. No answer has a
// member for a KVNR (D15).
import { z } from 'zod';
import { kvnr, text } from './export-body.ts';

const time = z.string().meta({ format: 'date-time' });
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

/** What an event about a person tells; the backend knows the person by its own references. */
export const revokedData = z
  .object({ references: z.array(z.string()), cancelled: z.int(), finishing: z.int() })
  .meta({ id: 'RevokedEvent' });
