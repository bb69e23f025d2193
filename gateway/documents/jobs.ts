// The work on documents that takes processor time: judging and building them. Pure functions of their input, so that the same
// jobs run where they are asked for, when they are small, and in a thread of their own, when they are not (workshop.ts).
import { type BuildOrder, type Built, buildDocuments } from './build.ts';
import { contentOf, type Opened, type OpenOrder, openBody } from './content.ts';
import { type Inspected, type InspectOrder, inspectBody } from './inspect.ts';
import { type Judgement, type JudgeOrder, judgeJson, judgeXml, judgeXmlStream } from './judge.ts';
import type { Toolkits } from './toolkits.ts';

export type Jobs = {
  judge(order: JudgeOrder & { bytes: Uint8Array }): Judgement;
  /** A document that is read while it is judged: no more than a piece of it is in memory. */
  judgeChunks(order: JudgeOrder & { chunks: AsyncIterable<Uint8Array> }): Promise<Judgement>;
  /** FHIR as JSON. */
  judgeJson(order: JudgeOrder & { bytes: Uint8Array }): Judgement;
  open(order: OpenOrder): Opened;
  /** A body of JSON that is only to be judged. */
  inspect(order: InspectOrder): Inspected;
  /** `bytes`: a body that `open` has let through. */
  build(order: BuildOrder & { bytes: Uint8Array }): Built;
};

export type JobName = keyof Jobs;
export type JobOrder<Name extends JobName> = Parameters<Jobs[Name]>[0];
export type JobResult<Name extends JobName> = Awaited<ReturnType<Jobs[Name]>>;

export function createJobs(toolkits: Toolkits): Jobs {
  return {
    judge: ({ bytes, ...order }) => judgeXml(bytes, toolkits, order),
    judgeChunks: ({ chunks, ...order }) => judgeXmlStream(chunks, toolkits, order),
    judgeJson: ({ bytes, ...order }) => judgeJson(bytes, toolkits, order),
    open: (order) => openBody(order, toolkits),
    inspect: (order) => inspectBody(order, toolkits),
    build: ({ bytes, ...order }) =>
      buildDocuments(contentOf(bytes), { ...order, bodyBytes: bytes.length }, { toolkits }),
  };
}
