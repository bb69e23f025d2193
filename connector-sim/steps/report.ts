// What `epa-sim scenario` prints: a line for each step that has ended, and one that sums up.
import type { StepRunner, StepView } from './runner.ts';

/** Prints steps as they end, until the last one or until `stopAsked`; answers how many did not pass. */
export async function runSteps(
  { steps }: { steps: StepRunner },
  o: { json: boolean; stopAsked: Promise<void>; print: (text: string) => void },
): Promise<number> {
  const { print } = o;
  steps.onEnded((view) => print(o.json ? `${JSON.stringify(view)}\n` : lineOf(view)));
  await Promise.race([steps.ended, o.stopAsked]);
  const of = (state: StepView['state']) => steps.views().filter((view) => view.state === state).length;
  const sum = {
    passed: of('passed'),
    failed: of('failed'),
    skipped: steps.views().length - of('passed') - of('failed'),
  };
  print(
    o.json
      ? `${JSON.stringify({ done: true, ...sum })}\n`
      : `${sum.passed} passed, ${sum.failed} failed, ${sum.skipped} skipped\n`,
  );
  return sum.failed + sum.skipped;
}

function lineOf({ step, at, state, findings }: StepView): string {
  const wrong = findings.map(({ pointer, message }) => `      ${pointer}: ${message}\n`).join('');
  return `  step ${String(step).padEnd(3)} ${at.padEnd(8)} ${state}\n${wrong}`;
}
