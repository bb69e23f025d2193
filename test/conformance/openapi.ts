// The official OpenAPI files as judges: required headers, request bodies, statuses and answer bodies of the operations a
// DiGA client uses (Information Service, Authorization Service, VAU-Status).
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv, type ValidateFunction } from 'ajv';
import addFormats from 'ajv-formats';
import { parse } from 'yaml';

const FILES = ['information-client.yaml', 'authorization-client.yaml', 'vau-client.yaml'].map(
  (file) => `schemas/epa/openapi/epa-ps-sim-2.2.1/${file}`,
);

type Json = Record<string, unknown>;
type Exchange = {
  method: string;
  path: string;
  requestHeaders: Map<string, string>;
  requestBody: Uint8Array;
  status: number;
  responseHeaders: Map<string, string>;
  responseBody: Uint8Array;
};

function at(document: Json, pointer: string): Json {
  let value: unknown = document;
  for (const step of pointer.replace(/^#\//, '').split('/')) value = (value as Json | undefined)?.[step];
  return value as Json;
}

export class OpenApiJudge {
  readonly #documents: { file: string; document: Json; ajv: Ajv }[];

  constructor(dir: string) {
    this.#documents = FILES.map((file) => {
      const ajv = new Ajv({ strict: false, allErrors: true });
      addFormats.default(ajv);
      ajv.addFormat('application/jwt', true);
      const document = parse(readFileSync(join(dir, file), 'utf8')) as Json;
      ajv.addSchema(document, file);
      return { file, document, ajv };
    });
  }

  /** Judges one exchange; `operation` is the official operationId, undefined when no file describes the call. */
  judge(exchange: Exchange): { file: string; operation: string; faults: string[] } | undefined {
    for (const { file, document, ajv } of this.#documents) {
      const path = (document.paths as Json)[exchange.path] as Json | undefined;
      const operation = path?.[exchange.method.toLowerCase()] as Json | undefined;
      if (path === undefined || operation === undefined) continue;
      const resolve = (value: Json): Json => (typeof value.$ref === 'string' ? at(document, value.$ref) : value);
      const schemaFor = (value: Json): ValidateFunction => ajv.compile(absolute(value, file) as object);
      const faults: string[] = [];

      const parameters = [
        ...((path.parameters as Json[] | undefined) ?? []),
        ...((operation.parameters as Json[] | undefined) ?? []),
      ].map(resolve);
      for (const parameter of parameters.filter((one) => one.in === 'header')) {
        const value = exchange.requestHeaders.get(String(parameter.name).toLowerCase());
        if (value === undefined) {
          if (parameter.required === true) faults.push(`request lacks header ${parameter.name}`);
        } else if (!schemaFor(parameter.schema as Json)(value))
          faults.push(`request header ${parameter.name} has a wrong form`);
      }
      const requestContent =
        operation.requestBody === undefined ? undefined : (resolve(operation.requestBody as Json).content as Json);
      if (requestContent !== undefined)
        faults.push(...this.#body('request', requestContent, exchange.requestHeaders, exchange.requestBody, schemaFor));

      const responses = operation.responses as Json;
      const response = responses[String(exchange.status)] as Json | undefined;
      if (response === undefined) faults.push(`status ${exchange.status} is not documented`);
      else {
        const resolved = resolve(response);
        for (const name of Object.keys((resolved.headers as Json | undefined) ?? {})) {
          if (!exchange.responseHeaders.has(name.toLowerCase())) faults.push(`answer lacks header ${name}`);
        }
        const content = resolved.content as Json | undefined;
        if (content !== undefined)
          faults.push(...this.#body('answer', content, exchange.responseHeaders, exchange.responseBody, schemaFor));
      }
      return { file, operation: String(operation.operationId), faults };
    }
    return undefined;
  }

  #body(
    side: string,
    content: Json,
    headers: Map<string, string>,
    body: Uint8Array,
    schemaFor: (schema: Json) => ValidateFunction,
  ): string[] {
    const type = (headers.get('content-type') ?? '').split(';')[0]?.trim() ?? '';
    const media = content[type] as Json | undefined;
    if (media === undefined)
      return [`${side} has content type ${type || '(none)'}, documented: ${Object.keys(content).join(', ')}`];
    let value: unknown;
    try {
      value = JSON.parse(Buffer.from(body).toString('utf8'));
    } catch {
      return [`${side} is no JSON`];
    }
    const judge = schemaFor(media.schema as Json);
    return judge(value) ? [] : (judge.errors ?? []).map((fault) => `${side}${fault.instancePath} ${fault.message}`);
  }
}

/** `schema` with its local references made absolute, so that ajv finds them in the registered file. */
function absolute(schema: unknown, file: string): unknown {
  if (Array.isArray(schema)) return schema.map((one) => absolute(one, file));
  if (schema === null || typeof schema !== 'object') return schema;
  return Object.fromEntries(
    Object.entries(schema).map(([key, value]) => [
      key,
      key === '$ref' && typeof value === 'string' ? `${file}${value}` : absolute(value, file),
    ]),
  );
}
