// The contents that documents are built of, for `/openapi.json`: the very schemas of mio/ that check them, of the newest version
// of the toolkit. What they say beyond JSON Schema (a code of a long list, one id for each kind) is in their descriptions.
import { z } from 'zod';
import { simpleContent } from '../../mio/build/content.ts';
import { fhirBundleContent, fhirResourcesContent } from '../../mio/build/fhir-content.ts';
import { toolkitVersions } from '../../mio/tables.ts';
import { openToolkits } from '../documents/toolkits.ts';

type Json = { readonly [member: string]: unknown };

let made: Record<string, Json> | undefined;

/** Components by name, in the place of what openBody leaves of such a content. Takes some 100 ms once. */
export function contentSchemas(): Record<string, Json> {
  made ??= describe();
  return made;
}

function describe(): Record<string, Json> {
  const tables = openToolkits().tables(toolkitVersions().at(-1) ?? '');
  const fhir = z.union([fhirBundleContent(tables), fhirResourcesContent(tables)]);
  return { ...componentsOf('SimpleContent', simpleContent(tables)), ...componentsOf('FhirContent', fhir) };
}

/** Its own definitions become components, too. */
function componentsOf(name: string, schema: z.ZodType): Record<string, Json> {
  const json = z.toJSONSchema(schema, {
    io: 'input',
    unrepresentable: 'any',
    override: ({ jsonSchema }) => {
      // Names of our own pieces, which nobody else knows.
      delete jsonSchema.format;
    },
  });
  const text = JSON.stringify(json).replaceAll('"#/$defs/', `"#/components/schemas/${name}.`);
  const { $schema: _, $defs = {}, ...rest } = JSON.parse(text) as Json & { $defs?: Record<string, Json> };
  const definitions = Object.entries($defs).map(([key, value]) => [`${name}.${key}`, value] as const);
  return { [name]: rest, ...Object.fromEntries(definitions) };
}
