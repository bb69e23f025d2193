// Steps that tests of a gateway's inner life take again and again: content that differs by its text, and a worker that does what is due.
import { mioBundle, type TestHouse } from './gateway-fakes.ts';

export const content = (name: string) => ({ document: { mimeType: 'application/fhir+xml', content: mioBundle(name) } });

/** Does what is due in the house, and stops. */
export async function workOff(house: TestHouse): Promise<void> {
  const worker = house.worker();
  await worker.start();
  await worker.idle();
  await worker.stop(0);
}
