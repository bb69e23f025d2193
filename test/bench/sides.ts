// What either side of the benchmark works with, loaded only where it is needed.

export async function ourShapes() {
  const { CoreTables } = await import('../../mio/tables.ts');
  return new CoreTables().shapes;
}

export async function theirFhir() {
  const { Fhir } = await import('fhir/fhir.js');
  return new Fhir();
}
