// What stands in the code table for each code, and when the gateway tries again by itself. The codes are in errors-of-*.ts.

/** What an error means for the export: see style.md B6. */
export type ErrorKind = 'invalid' | 'refused' | 'insured' | 'operator' | 'transient' | 'unclear' | 'bug';

/** Who must act so that it goes on. */
export type Who = 'backend' | 'insured' | 'operator' | 'gateway' | 'none';

/** Outward state an export takes when it meets this error; `null`: the request was refused, no export exists. */
export type StatusAfter =
  | 'waiting'
  | 'queued'
  | 'unclear'
  | 'refused'
  | 'failed'
  | 'cancelled'
  | 'superseded'
  | 'unchanged'
  | null;

export type CatalogueEntry = {
  kind: ErrorKind;
  who: Who;
  status: StatusAfter;
  /** HTTP status of the problem document when an answer of ours carries the code; 0: never an answer, only a reason. */
  http: number;
  /** Seconds until the gateway tries again by itself, one entry per try, the last repeated; empty: never by itself. */
  retrySeconds: readonly number[];
  remedy: { de: string; en: string };
  /** Ready to show in the DiGA's app, whenever the insured must act. */
  userMessage?: { key: string; de: string; en: string };
};

export const entry = (
  kind: ErrorKind,
  who: Who,
  status: StatusAfter,
  http: number,
  retrySeconds: readonly number[],
  en: string,
  de: string,
  userMessage?: CatalogueEntry['userMessage'],
): CatalogueEntry => ({
  kind,
  who,
  status,
  http,
  retrySeconds,
  remedy: { de, en },
  ...(userMessage && { userMessage }),
});

export const SOON = [2, 5, 15, 60, 300] as const;
/** Suggested by the published interfaces after an internal error of a record system (EXP-23). */
export const TEN_MINUTES = [600] as const;
export const DAY = [86_400] as const;
/** Operator and card states are looked at again often: looking costs nothing and burns no attempt. */
export const LOOK_AGAIN = [15, 30, 60] as const;
/** D22: an unclear export is repeated after 2, 10, 60 s, then every 10 minutes. */
export const UNCLEAR = [2, 10, 60, 600] as const;

/** A receiver that does not answer at once, for an hour, for a day; until the event is as old as events get (MON-06). */
const WEBHOOK_SCHEDULE = [5, 60, 300, 1800, 7200, 21_600, 43_200] as const;
/** What an alarm says that no export meets (MON-03). */
export const alarm = (en: string, de: string): CatalogueEntry => entry('operator', 'operator', null, 0, [], en, de);
export const webhook = (who: Who, en: string, de: string): CatalogueEntry =>
  entry('transient', who, null, 0, WEBHOOK_SCHEDULE, en, de);
