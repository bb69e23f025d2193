// Negative table, part 1: every check of the login at IDP and record system broken alone stops the export before the
// document (epa-record-system.md 2.1–2.4).
import { playTrustTable } from './support/trust-table.ts';
import { IDP_GROUPS } from './tables/trust-rows.ts';

playTrustTable(IDP_GROUPS, 20_000);
