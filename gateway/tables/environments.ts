// What belongs to which environment of the TI (OPS-05): the names of its hosts and the marks of its certificates. Sources:
// epa-record-system.md 3.1 (A_24592), export-flow.md 1.8 and 4.3; gematik's test PKI marks each name with TEST-ONLY and the
// organisation with NOT-VALID, the simulator's (certs/mint.ts) with TEST-ONLY alone.

export type Environment = 'PU' | 'RU' | 'TU' | 'SIM';

/** Ends of host names; one that ends like none of them belongs to no environment and is allowed in each. */
export const HOSTS: readonly { ending: RegExp; environment: Environment }[] = [
  { ending: /(^|\.)prod\.epa4all\.de$/, environment: 'PU' },
  { ending: /^epa-as-[0-9]+\.epa4all\.de$/, environment: 'PU' },
  { ending: /(^|\.)(ref|dev)\.epa4all\.de$/, environment: 'RU' },
  { ending: /(^|\.)test\.epa4all\.de$/, environment: 'TU' },
  { ending: /(^|\.)sim\.epa4all\.de$/, environment: 'SIM' },
  { ending: /^idp\.(zentral\.idp\.splitdns|app)\.ti-dienste\.de$/, environment: 'PU' },
  { ending: /^idp-ref\.(zentral\.idp\.splitdns|app)\.ti-dienste\.de$/, environment: 'RU' },
  { ending: /^idp-test\.(zentral\.idp\.splitdns|app)\.ti-dienste\.de$/, environment: 'TU' },
  { ending: /^download\.tsl\.ti-dienste\.de$/, environment: 'PU' },
  { ending: /^download-ref\.tsl\.ti-dienste\.de$/, environment: 'RU' },
  { ending: /^download-test\.tsl\.ti-dienste\.de$/, environment: 'TU' },
];

/** Whose PKI a certificate is of, by its subject. RU and TU share one. */
export type PkiMark = 'productive' | 'test' | 'simulated';

export const markOf = (subject: string): PkiMark =>
  /\bNOT-VALID\b/.test(subject) ? 'test' : /\bTEST-ONLY\b/.test(subject) ? 'simulated' : 'productive';

/** The PKI that TI anchors of an environment are of. */
export const PKI: Record<Environment, PkiMark> = { PU: 'productive', RU: 'test', TU: 'test', SIM: 'simulated' };
