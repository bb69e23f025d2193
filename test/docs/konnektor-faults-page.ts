// docs/konnektor-faults.md, printed from the simulator's table of codes: every gematik code that can be injected, and how.
import { FAULT_POINTS } from '../../connector-sim/tables/fault-points.ts';
import { KONNEKTOR_ERRORS } from '../../connector-sim/tables/konnektor-errors.ts';

const HEAD = `# Codes of the Konnektor's faults

Printed from \`connector-sim/tables/konnektor-errors.ts\`; do not edit (\`node bin/launch.js test/docs/print.ts\`).

Any of them, at any operation: \`POST /sim/faults\` with \`{"at": "konnektor.<Operation>", "kind": "soap-fault", "params": {"code": 4085}}\`.
\`status\` is the HTTP status (500, or 200 as some Konnektors send it), \`vendorCode\` (10000–40999) one more Trace with the
vendor's own code before gematik's (A_14159). The operation is not carried out. A code that is not listed is answered, too, with the text "Fehler" and its number.
\`test/unit/connector-sim/konnektor/injected-faults.test.ts\` injects each of them at each operation. Texts are those of the sources; where
only the meaning of a code is known, the meaning.

Operations: `;

/** The whole file. */
export function konnektorFaultsPage(): string {
  const operations = Object.entries(FAULT_POINTS)
    .filter(([at, kinds]) => at.startsWith('konnektor.') && kinds.includes('soap-fault'))
    .map(([at]) => `\`${at.slice('konnektor.'.length)}\``);
  const rows = Object.entries(KONNEKTOR_ERRORS).map(([code, { text, type }]) => `| ${code} | ${text} | ${type} |`);
  return `${HEAD}${operations.join(', ')}.\n\n| code | text | type |\n|---|---|---|\n${rows.join('\n')}\n`;
}
