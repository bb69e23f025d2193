// Timed steps of a scenario file (api.md section 4): when (`at`), which control calls then (`do`), what some of them must answer
// (`expect`), and for how long that may take to come true (`within`).
import { z } from 'zod';
import { isDuration, readDuration } from '../duration.ts';

export type StepCall = { method: string; path: string; body: unknown };
export type Expectation = { path: string; answer: unknown };
export type Step = {
  /** As written: an ISO 8601 duration from the beginning of the scenario, in the simulator's time. */
  at: string;
  do: StepCall[];
  expect: Expectation[];
  within: string;
};

const WITHIN = 'PT10S';
/** A step that begins the world anew, or follows its clock, would wait for itself. */
const NOT_A_STEP = /^(POST \/sim\/reset|GET \/sim\/clock)\b/;

const duration = z.string().refine(isDuration, 'not an ISO 8601 duration');
const callKey = z
  .string()
  .regex(/^(POST|PUT|PATCH|DELETE) \/sim\/\S+$/, 'not a control call, as in "PATCH /sim/terminals/CT_SIM_0001"')
  .refine((key) => !NOT_A_STEP.test(key), 'not in a step');
const viewKey = z
  .string()
  .regex(/^GET \/sim\/\S+$/, 'not a view, as in "GET /sim/operations"')
  .refine((key) => !NOT_A_STEP.test(key), 'not in a step');

const stepSchema = z
  .strictObject({
    at: duration.optional(),
    do: z.record(callKey, z.unknown()).optional(),
    expect: z.record(viewKey, z.unknown()).optional(),
    within: duration.optional(),
  })
  .check(({ value, issues }) => {
    const wrong = (message: string, path: string[]) => issues.push({ code: 'custom', message, path, input: value });
    if (value.do === undefined && value.expect === undefined) wrong('neither do nor expect', []);
    if (value.within !== undefined && value.expect === undefined) wrong('nothing is expected', ['within']);
  });

/** Steps as a file has them; without `at` a step follows the one before it. Every fault at once. */
export const stepsSchema = z
  .array(stepSchema)
  .min(1)
  .max(1000)
  .transform((given, context): Step[] => {
    let last = { at: 'PT0S', ms: 0 };
    return given.map((step, index) => {
      const at = step.at ?? last.at;
      const ms = readDuration(at, 0);
      if (ms < last.ms)
        context.addIssue({ code: 'custom', message: `before the step above it (${last.at})`, path: [index, 'at'] });
      if (!Number.isFinite(ms))
        context.addIssue({ code: 'custom', message: 'beyond the end of the calendar', path: [index, 'at'] });
      last = { at, ms };
      return {
        at,
        do: Object.entries(step.do ?? {}).map(([call, body]) => {
          const [method = '', path = ''] = call.split(' ');
          return { method, path, body };
        }),
        expect: Object.entries(step.expect ?? {}).map(([call, answer]) => ({ path: call.split(' ')[1] ?? '', answer })),
        within: step.within ?? WITHIN,
      };
    });
  });
