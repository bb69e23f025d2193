// Every file under docs/ that is printed from the code, with its text as it should be.
import { auditPage } from './audit-page.ts';
import { errorsPage } from './errors-page.ts';
import { exampleDocument } from './example-document.ts';
import { konnektorFaultsPage } from './konnektor-faults-page.ts';
import { mioKindsPage } from './mio-kinds-page.ts';
import { mioValidatorPage } from './mio-validator-page.ts';
import { requirementsPage } from './requirements-page.ts';
import { settingsPage } from './settings-page.ts';

export const printedFiles: readonly { path: string; text: () => string }[] = [
  { path: 'docs/errors.md', text: errorsPage },
  { path: 'docs/audit.md', text: auditPage },
  { path: 'docs/settings.md', text: settingsPage },
  { path: 'docs/mio-kinds.md', text: mioKindsPage },
  { path: 'docs/mio-validator.md', text: mioValidatorPage },
  { path: 'docs/konnektor-faults.md', text: konnektorFaultsPage },
  { path: 'docs/requirements.md', text: requirementsPage },
  { path: 'docs/examples/version-1.xml', text: () => exampleDocument(1) },
  { path: 'docs/examples/version-2.xml', text: () => exampleDocument(2) },
  { path: 'docs/examples/version-3.xml', text: () => exampleDocument(3) },
];
