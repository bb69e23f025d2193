// Negative table, part 2: every check of card and VAU broken alone stops the export before the document; what the VAU fails
// up to M2 is never answered with M3 (epa-record-system.md 1.3, 1.4, A_24624-01; export-flow.md 1.5).
import { playTrustTable } from './support/trust-table.ts';
import { CARD_GROUPS, VAU_GROUPS } from './tables/trust-rows.ts';

playTrustTable([...CARD_GROUPS, ...VAU_GROUPS], 21_000);
