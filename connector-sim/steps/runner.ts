// Runs the timed steps of a scenario through the control API itself, one after another: a step is due when the simulator's clock
// has come that far from the beginning, whether time passed or POST /sim/clock moved it. The first step that fails ends the run,
// since those after it speak of a world that did not come about.
import { setTimeout as sleep } from 'node:timers/promises';
import { readDuration } from '../duration.ts';
import type { Finding } from '../refusal.ts';
import { mismatches } from './matches.ts';
import type { Step } from './step.ts';

export type StepState = 'waiting' | 'running' | 'passed' | 'failed' | 'skipped';
/** What has not been called yet does not stand among the operations: it counts as 0 there. */
function counted(path: string, wanted: unknown, json: unknown): unknown {
  if (path !== '/sim/operations' || typeof wanted !== 'object' || wanted === null) return json;
  return { ...Object.fromEntries(Object.keys(wanted).map((operation) => [operation, 0])), ...(json as object) };
}

const hasEnded = ({ state }: StepView) => state !== 'waiting' && state !== 'running';

export type StepView = { step: number; at: string; state: StepState; endedAt: string | null; findings: Finding[] };

/** How often a due time or an expectation is looked at again: neither the clock nor everything a view shows tells of itself. */
const LOOK_MS = 50;

export class StepRunner {
  readonly #o: { now: () => number; control: () => string; subject: (name: string) => string | undefined };
  #views: StepView[] = [];
  #run = new AbortController();
  #ended: Promise<void> = Promise.resolve();
  #told: ((view: StepView) => void) | undefined;

  /** `now`: the world's clock; `control`: address of the control API; `subject`: what `{name}` in a path stands for. */
  constructor(o: { now: () => number; control: () => string; subject: (name: string) => string | undefined }) {
    this.#o = o;
  }

  /** Begins these steps; those of a scenario before are given up. */
  begin(steps: readonly Step[]): void {
    this.stop();
    this.#run = new AbortController();
    this.#views = steps.map(({ at }, index) => ({
      step: index + 1,
      at,
      state: 'waiting',
      endedAt: null,
      findings: [],
    }));
    this.#ended = this.#play(steps, { views: this.#views, began: this.#o.now(), signal: this.#run.signal });
  }

  views(): readonly StepView[] {
    return this.#views;
  }

  /** Calls `told` with each step that has ended, and now with those that have already. */
  onEnded(told: (view: StepView) => void): void {
    for (const view of this.#views) if (hasEnded(view)) told(view);
    this.#told = told;
  }

  /** Resolves when no step is left to run. */
  get ended(): Promise<void> {
    return this.#ended;
  }

  stop(): void {
    this.#run.abort();
  }

  async #play(steps: readonly Step[], o: { views: StepView[]; began: number; signal: AbortSignal }): Promise<void> {
    let failed = false;
    for (const [index, step] of steps.entries()) {
      const view = o.views[index];
      if (view === undefined) continue;
      if (!failed) {
        const due = o.began + readDuration(step.at, o.began);
        if (!(await this.#until(() => this.#o.now() >= due, o.signal))) return;
        view.state = 'running';
        view.findings = await this.#findingsOf(step, o.signal);
        if (o.signal.aborted) return;
      }
      view.state = failed ? 'skipped' : view.findings.length > 0 ? 'failed' : 'passed';
      view.endedAt = failed ? null : new Date(this.#o.now()).toISOString();
      failed ||= view.state === 'failed';
      this.#told?.(view);
    }
  }

  async #findingsOf(step: Step, signal: AbortSignal): Promise<Finding[]> {
    for (const { method, path, body } of step.do) {
      const answer = await this.#call(method, path, body);
      if (answer.findings.length > 0) return answer.findings;
    }
    const from = this.#o.now();
    const deadline = from + readDuration(step.within, from);
    let findings: Finding[] = [];
    const asExpected = async () => {
      findings = [];
      for (const { path, answer: wanted } of step.expect) {
        const answer = await this.#call('GET', path);
        const place = (finding: Finding) => ({ ...finding, pointer: `GET ${path} ${finding.pointer}`.trim() });
        findings.push(
          ...(answer.findings.length > 0
            ? answer.findings
            : mismatches(wanted, counted(path, wanted, answer.json)).map(place)),
        );
      }
      return findings.length === 0 || this.#o.now() >= deadline;
    };
    await this.#until(asExpected, signal);
    return findings;
  }

  /** False when the run was given up before. */
  async #until(holds: () => boolean | Promise<boolean>, signal: AbortSignal): Promise<boolean> {
    while (!signal.aborted) {
      if (await holds()) return true;
      await sleep(LOOK_MS, undefined, { ref: false });
    }
    return false;
  }

  async #call(method: string, path: string, body?: unknown): Promise<{ json: unknown; findings: Finding[] }> {
    const call = `${method} ${path}`;
    const wrong = (message: string) => ({ json: null, findings: [{ pointer: call, code: 'refused', message }] });
    const unknown: string[] = [];
    const full = path.replace(/\{([^}]*)\}/g, (whole, name: string) => {
      const found = this.#o.subject(name);
      if (found === undefined) unknown.push(whole);
      return encodeURIComponent(found ?? '');
    });
    if (unknown.length > 0) return wrong(`${unknown.join(', ')} stands for nothing in this world`);
    try {
      const answer = await fetch(new URL(full, this.#o.control()), {
        method,
        ...(body !== undefined &&
          body !== null && { body: JSON.stringify(body), headers: { 'Content-Type': 'application/json' } }),
      });
      const text = await answer.text();
      const json = text === '' ? null : (JSON.parse(text) as { title?: string });
      return answer.ok ? { json, findings: [] } : wrong(`${answer.status} ${json?.title ?? ''}`.trim());
    } catch {
      return wrong('the control API did not answer with JSON');
    }
  }
}
