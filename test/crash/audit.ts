// The audit trail under kill -9 (SEC-09): after every crash it is whole, and each export was accepted and written once in it, as
// it was in the store: the entry is in the transaction of the deed.
import type { AuditReport } from '../../gateway/exports/audit-verify.ts';
import type { MortalGateway } from './mortal-gateway.ts';

type Entry = { action: string; object: { kind: string; id: string } | null };
type Page = { entries: Entry[]; next: number | null };

/** What is not as it must be, in words. */
export async function auditFaults(gateway: MortalGateway, exports: readonly string[]): Promise<string[]> {
  const { body: report } = await gateway.call<AuditReport>('POST', '/admin/v1/audit/verify');
  const faults = report.findings.map((finding) => `audit: ${finding.message}`);
  const told = new Map<string, number>();
  for (let after: number | null = 0; after !== null; ) {
    const page: { body: Page } = await gateway.call<Page>('GET', `/admin/v1/audit?limit=1000&after=${after}`);
    for (const { action, object } of page.body.entries) {
      const deed = `${action} ${object?.id}`;
      told.set(deed, (told.get(deed) ?? 0) + 1);
    }
    after = page.body.next;
  }
  for (const id of exports)
    for (const action of ['export.accepted', 'export.written']) {
      const times = told.get(`${action} ${id}`) ?? 0;
      if (times !== 1) faults.push(`audit: ${action} stands there ${times} times`);
    }
  return faults;
}
