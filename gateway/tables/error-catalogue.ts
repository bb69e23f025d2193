// The one code table (api.md): every code the gateway can show, its kind, who must act, what to do, when it retries.
// docs/errors.md is printed from it. The kinds are those of style.md B6; retry reads only the kind and retrySeconds.
import { cards } from './errors-of-cards.ts';
import { connections } from './errors-of-connections.ts';
import { operation } from './errors-of-operation.ts';
import { records } from './errors-of-records.ts';
import { requests } from './errors-of-requests.ts';

export type { CatalogueEntry, ErrorKind, StatusAfter, Who } from './error-entry.ts';

export const catalogue = { ...requests, ...records, ...cards, ...connections, ...operation } as const;

/** No code stands in two of them: a test counts. */
export const catalogueParts = { requests, records, cards, connections, operation };
