// Gauges of what is watched (MON-02): days left per certificate, age of OCSP answers and of the trust-service list, open alarms.
// Labels are names of the settings, uses, codes and ICCSNs. A leaf, part of gateway/metrics.ts.
import { Gauge, type Registry } from 'prom-client';

type OfCertificate = { use: string; holder: string; iccsn: string };
export type OversightGauges = {
  certificates: (OfCertificate & { konnektor: string; daysLeft: number })[];
  ocsp: (OfCertificate & { ageSeconds: number })[];
  /** `leftSeconds`: until its NextUpdate, below zero once it has passed. */
  tsl: { ageSeconds: number; leftSeconds: number } | null;
  alarms: { code: string; count: number }[];
};

/** Answers how to set what is read at each scrape. */
export function oversightMetrics(registers: Registry[]): (read: () => OversightGauges) => void {
  let read = (): OversightGauges => ({ certificates: [], ocsp: [], tsl: null, alarms: [] });
  const gauge = (o: { name: string; help: string; labelNames?: string[] }, rows: () => [object, number][]) =>
    new Gauge({
      labelNames: [],
      ...o,
      registers,
      collect() {
        this.reset();
        for (const [labels, value] of rows()) this.set({ ...labels }, value);
      },
    });
  gauge(
    {
      name: 'epa_certificate_days_left',
      help: 'Whole days until a certificate ends, below zero once it has',
      labelNames: ['use', 'holder', 'konnektor', 'iccsn'],
    },
    () => read().certificates.map(({ daysLeft, ...labels }) => [labels, daysLeft]),
  );
  gauge(
    {
      name: 'epa_ocsp_age_seconds',
      help: 'Age of the OCSP answer about a certificate',
      labelNames: ['use', 'holder', 'iccsn'],
    },
    () => read().ocsp.map(({ ageSeconds, ...labels }) => [labels, ageSeconds]),
  );
  const tsl = (value: (of: NonNullable<OversightGauges['tsl']>) => number) => (): [object, number][] => {
    const found = read().tsl;
    return found === null ? [] : [[{}, value(found)]];
  };
  gauge(
    { name: 'epa_tsl_age_seconds', help: 'Time since the trust-service list in force was issued' },
    tsl((of) => of.ageSeconds),
  );
  gauge(
    { name: 'epa_tsl_left_seconds', help: 'Time until the NextUpdate of the trust-service list, below zero after it' },
    tsl((of) => of.leftSeconds),
  );
  gauge({ name: 'epa_alarms_open', help: 'Alarms without an end, by code', labelNames: ['code'] }, () =>
    read().alarms.map(({ code, count }) => [{ code }, count]),
  );
  return (reader) => {
    read = reader;
  };
}
