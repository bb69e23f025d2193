// docs/audit.md, printed from the table of actions: what stands in the audit trail, how it is verified, and what it cannot do.
import { auditActions } from '../../gateway/tables/audit-actions.ts';

const HEAD = `# The audit trail

Printed from \`gateway/tables/audit-actions.ts\`; do not edit (\`node bin/launch.js test/docs/print.ts\`).

Every deed that counts is an entry in the table \`audit\` of the store, written in the transaction of the deed: both are durable
or neither is. An entry says who (client, operator, gateway, command), what, when, to what, with which result, and by which
request (\`X-Request-Id\`). No entry holds a KVNR, a name, content, a token or a key. Clients' own ids (series, consent) stand in
it, masked where they look like a KVNR. A person is named by a keyed id of the trail's own: it is the same in every entry, is
neither the look-up key nor the pseudonym of the log, does not change when keys rotate, and says nothing to whoever has the
store alone. Forgetting a person leaves the entries: they prove that it was done.

Entries are kept; this version erases none.

## How it is protected

- Entries are numbered from 1 without gaps. Each has a SHA-256 over all of its members, each with its length before it, and the
  hash before. The database refuses to change or delete entries and checkpoints until somebody takes its triggers away.
- A checkpoint is an Ed25519 signature over number, time and hash of an entry. One is made at start and stop, every ten minutes
  and every 500 changes in which there are new entries, first in \`audit-checkpoints.jsonl\` of the data directory (mode 0600,
  forced to disk), then in the store. The key comes from the key \`audit\` of the store, which the master key wraps; its public
  half stands in the first line of the file and in every report.
- \`epa-gateway audit verify [--json]\` reads the store of the settings, the file and the master key, and nothing else, also beside
  a running gateway. It ends with 0 (whole), 1 (broken; the first broken entry and what happened to it) or 2 (could not be found
  out). It also verifies the rows of exports, series, insured, idempotency keys and events against their seals, as they stand at
  one moment. \`POST /admin/v1/audit/verify\` verifies the trail in the gateway (which verifies each row when it uses it), \`GET /admin/v1/audit?after=&limit=\` reads the entries, both
  for the role \`security\`, and both are entries themselves.
- A gateway that starts on a store which does not hold what its file saw says so in its log (\`AUDIT_BROKEN\`) and goes on: exports
  must not be lost for it.

What it cannot do: entries behind the newest checkpoint are only as safe as the store (\`covered\` in the report says up to where a
checkpoint vouches). Who may write store, file and master key can write another history: copy \`audit-checkpoints.jsonl\` to where
the gateway cannot write, and compare. Several gateways on one PostgreSQL have one trail and a file each.

Kinds of findings: \`missing\`, \`changed\`, \`hash-changed\`, \`moved\`, \`foreign\`, \`truncated\`, \`rewritten\`, \`checkpoint-changed\`,
\`checkpoint-missing\`, \`file-missing\`, \`file-changed\`, \`file-cut\`, \`key-missing\`; each with the entry and a sentence.

## Actions

| action | meaning |
|---|---|
`;

/** The whole file. */
export function auditPage(): string {
  const rows = Object.entries(auditActions).map(([name, meaning]) => `| \`${name}\` | ${meaning} |`);
  return `${HEAD}${rows.join('\n')}\n`;
}
