// A number of clients at once, each with its next piece of work when the one before is done.

/** Results in the order of `work`. */
export async function byClients<Work, Result>(
  clients: number,
  work: readonly Work[],
  run: (one: Work, client: number) => Promise<Result>,
): Promise<Result[]> {
  const results = new Array<Result>(work.length);
  let next = 0;
  const client = async (_: unknown, number: number) => {
    for (let index = next++; index < work.length; index = next++) {
      const one = work[index] as Work;
      results[index] = await run(one, number);
    }
  };
  await Promise.all(Array.from({ length: clients }, client));
  return results;
}
