// A logged-in channel at a simulated record system, and what its answers say: for the tests of ITI-41.

import { type HttpResponse, header } from '../../wire/http-message.ts';
import { isMultipart, readMtom } from '../../wire/mtom.ts';
import { readEnvelope, type SoapMessage } from '../../wire/soap.ts';
import { type LoginEdits, signIn } from './login-test-client.ts';
import { createTestSim, type TestSim } from './sim-services.ts';
import { openChannel, type TestChannel } from './vau-test-client.ts';

/** By default the answers come as plain SOAP; `choices` of the seed stay otherwise. */
export async function signedOn(
  o: { strict?: boolean; seed?: number } = {},
  edits: LoginEdits = {},
): Promise<{ sim: TestSim; channel: TestChannel }> {
  const sim = createTestSim(o);
  sim.world.choices.answerForm = 'soap';
  const channel = await openChannel(sim.recordSystem);
  await signIn(sim, channel, edits);
  return { sim, channel };
}

export async function soapOf(response: HttpResponse): Promise<SoapMessage> {
  const contentType = header(response.headers, 'content-type') ?? '';
  return readEnvelope(isMultipart(contentType) ? (await readMtom(contentType, response.body)).root : response.body);
}

export type Outcome = { status?: string; code?: string; text?: string; fault?: string };

/** Status and first error of a registry response, or the code of a SOAP fault. */
export async function outcome(response: HttpResponse): Promise<Outcome> {
  const message = await soapOf(response);
  if (message.fault !== undefined) return { fault: message.fault.code };
  const answer = message.body;
  const registry = answer?.name === 'RetrieveDocumentSetResponse' ? answer.children[0] : answer;
  const error = registry?.children[0]?.children[0];
  const status = registry?.attributes.get('status')?.replace(/^.*:/, '');
  if (error === undefined) return { status };
  return { status, code: error.attributes.get('errorCode'), text: error.attributes.get('codeContext') };
}
