// The one manifest of all settings (api.md section 5, OPS-10): name, type, bounds, default and description of each, by group in
// settings-of-*.ts. docs/settings.md is printed from it; what one setting demands of another stands in gateway/config-rules.ts.
import { z } from 'zod';
import { alarms } from './settings-of-alarms.ts';
import { clients, operators, tokenIssuers } from './settings-of-callers.ts';
import { digas } from './settings-of-digas.ts';
import { cards, konnektors } from './settings-of-konnektors.ts';
import { idp, recordSystems, trust } from './settings-of-trust.ts';
import { egress, limits, locate, retention, session, store, worker } from './settings-of-work.ts';
import { file, listener } from './settings-words.ts';

export { EVENT_TYPES } from './settings-of-digas.ts';

export const settingsManifest = z.strictObject({
  environment: z.enum(['SIM', 'RU', 'TU', 'PU']).describe('The one environment this installation serves (OPS-05).'),
  dataDirectory: file.describe('Directory of the store; EPA_GATEWAY_DATA names it too and wins.'),
  masterKeyFile: file.describe(
    'File of exactly 32 random bytes that wraps every other key; mode 0600 or 0400 (SEC-06).',
  ),
  previousMasterKeyFile: file
    .optional()
    .describe(
      'The master key file of before: with it a start wraps every key anew under masterKeyFile; to be taken out afterwards.',
    ),
  userAgent: z
    .string()
    .regex(/^[a-zA-Z0-9-]{1,20}\/[a-zA-Z0-9.-]{1,15}$/, 'ClientID/version, A_22470-05')
    .describe('x-useragent: the ClientID registered with gematik, a slash, the version (SES-03).'),
  listen: listener(18080, 'the REST API'),
  admin: listener(18081, 'the admin listener (SEC-15)'),
  trust,
  konnektors,
  cards,
  idp,
  recordSystems,
  mioTables: file
    .optional()
    .describe(
      'Directory with the tables of the MIO DiGA Toolkit (docs/mio-tables.md); without it those of the product.',
    ),
  digas,
  clients,
  tokenIssuers,
  operators,
  limits,
  session,
  locate,
  egress,
  worker,
  store,
  retention,
  alarms,
  doctor: z
    .strictObject({
      insuredFile: file
        .optional()
        .describe(
          'File with the KVNR of a test insured, one line: the last step of doctor looks for the record (OPS-06).',
        ),
    })
    .prefault({}),
  log: z
    .strictObject({ level: z.enum(['debug', 'info', 'warn', 'error']).default('info').describe('Least level logged.') })
    .prefault({}),
  clock: z
    .url({ protocol: /^http$/ })
    .optional()
    .describe(
      'Control URL of the simulator whose clock is followed, on loopback: SIM only (D16, D17). Without it the clock of this machine.',
    ),
});

export type Settings = z.output<typeof settingsManifest>;
export type DigaSettings = Settings['digas'][number];
export type KonnektorSettings = Settings['konnektors'][number];
export type RecordSystemSettings = Settings['recordSystems'][number];
export type PostgresSettings = NonNullable<Settings['store']['postgres']>;
export type ListenSettings = Settings['listen'];
