// The suite: every test file runs in its own process, with the brainpool guard (SEC-05) loaded before anything else; those that
// start nothing and keep nothing share one for each core, which spares a third of their processor time. What stores runs twice: on SQLite with all the rest, and, where there is one, on PostgreSQL.
import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';
import { hasPostgres } from './test/support/postgres-server.ts';

/** Of several gateways on one database, and of a database that hangs: there is no SQLite of them. */
const POSTGRES_ONLY = ['test/unit/gateway/exports/several.test.ts', 'test/unit/gateway/exports/postgres-hangs.test.ts'];
const STORE_TESTS = [
  ...POSTGRES_ONLY,
  'test/unit/gateway/exports/{store,outbox,outbox-reading,settle,worker,worker-slots,journey,age-limits,parts,part-memory,staging,large-content,revocation,series-import,series-import-doubt,series-import-refused}.test.ts',
  'test/unit/gateway/exports/{key-rotation,key-rotation-crash,kvnr-retention,row-seals-stores}.test.ts',
  'test/unit/gateway/alarms/alarms.test.ts',
  'test/unit/gateway/cards/{pin-operations,pin-puk-uses}.test.ts',
  'test/unit/gateway/webhooks/{lane,lane-order,lane-retries,lane-store,lease,restart}.test.ts',
  'test/unit/gateway/api/{events,events-stream,exports,list,cancel,dry-run,prefer,series,content,batch,simple}.test.ts',
  'test/unit/gateway/api/{persons-revoke,persons-forget,persons-holdings,series-import}.test.ts',
  'test/privacy.test.ts',
];

/** No sockets, no stores, no settings of the process: what one file leaves behind no other can meet. */
const PURE = 'test/unit/{mio,wire,certs}/**/*.test.ts';

export default defineConfig({
  test: {
    setupFiles: ['wire/tls.ts'],
    globalSetup: ['test/support/postgres-server.ts'],
    pool: 'forks',
    // Most tests wait for the store or the wire; vitest alone would leave one of two cores idle.
    maxWorkers: availableParallelism(),
    testTimeout: 30_000,
    hookTimeout: 60_000,
    teardownTimeout: 5_000,
    projects: [
      { extends: true, test: { name: 'suite', include: ['test/**/*.test.ts'], exclude: [...POSTGRES_ONLY, PURE] } },
      { extends: true, test: { name: 'pure', include: [PURE], isolate: false } },
      ...(hasPostgres()
        ? [
            {
              extends: true as const,
              test: {
                name: 'PostgreSQL',
                include: STORE_TESTS,
                setupFiles: ['wire/tls.ts', 'test/support/drop-stores.ts'],
                env: { EPA_TEST_STORE: 'postgres' },
              },
            },
          ]
        : []),
    ],
  },
});
