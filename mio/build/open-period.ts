// A span of time whose end need not be known: what goes on.
import { z } from 'zod';
import { moment, period } from './inputs.ts';

/** As `period`, the end left out where it goes on. */
export const openPeriod = z
  .strictObject({ start: moment, end: moment.optional() })
  .superRefine(({ start, end }, context) => {
    if (end === undefined) return;
    for (const issue of period.safeParse({ start, end }).error?.issues ?? []) {
      context.addIssue({ code: 'custom', path: issue.path, message: issue.message });
    }
  })
  .meta({ format: 'period' });
export type OpenPeriod = z.output<typeof openPeriod>;
