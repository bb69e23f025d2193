// The official XSDs as judges (libxml2): a message body element is validated against the schema of its namespace.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { XmlDocument, XsdValidator } from 'libxml2-wasm';
import { xmlRegisterFsInputProviders } from 'libxml2-wasm/lib/nodejs.mjs';

/** Namespace of the outermost element → the official file that describes it, below the folder laid out as `shared/`. */
const SCHEMA_OF: Record<string, string> = {
  'http://ws.gematik.de/conn/EventService/v7.2': 'schemas/konnektor/conn/EventService.xsd',
  'http://ws.gematik.de/conn/CardService/v8.1': 'schemas/konnektor/conn/CardService_v8_1_3.xsd',
  'http://ws.gematik.de/conn/CardTerminalService/v1.1': 'schemas/konnektor/conn/CardTerminalService.xsd',
  'http://ws.gematik.de/conn/CertificateService/v6.0': 'schemas/konnektor/conn/CertificateService_v6_0_2.xsd',
  'http://ws.gematik.de/conn/SignatureService/v7.4': 'schemas/konnektor/conn/SignatureService.xsd',
  'http://ws.gematik.de/conn/ServiceDirectory/v3.1': 'schemas/konnektor/conn/ServiceDirectory.xsd',
  'http://ws.gematik.de/tel/error/v2.0': 'schemas/konnektor/tel/error/TelematikError.xsd',
  'urn:ihe:iti:xds-b:2007': 'schemas/epa/xds/schema/ext/IHE/XDS.b_DocumentRepository.xsd',
  'urn:oasis:names:tc:ebxml-regrep:xsd:query:3.0': 'schemas/epa/xds/schema/ext/ebRS/query.xsd',
  'urn:oasis:names:tc:ebxml-regrep:xsd:rs:3.0': 'schemas/epa/xds/schema/ext/ebRS/rs.xsd',
};

/** Known and not at hand (schemas/konnektor/SOURCE.md): 8.2 has the PIN messages of 8.1 in a namespace of its own. */
const READ_AS: Record<string, { file: string; from: string }> = {
  'http://ws.gematik.de/conn/CardService/v8.2': {
    file: 'schemas/konnektor/conn/CardService_v8_1_3.xsd',
    from: 'http://ws.gematik.de/conn/CardService/v8.1',
  },
};

export class XsdJudge {
  readonly #dir: string;
  readonly #validators = new Map<string, XsdValidator>();

  /** `dir`: the folder laid out as `shared/`. */
  constructor(dir: string) {
    this.#dir = dir;
    xmlRegisterFsInputProviders();
  }

  #validator(file: string, namespace: string): XsdValidator {
    const read = READ_AS[namespace];
    const key = read === undefined ? file : `${file} ${namespace}`;
    const known = this.#validators.get(key);
    if (known !== undefined) return known;
    const path = join(this.#dir, file);
    const text = readFileSync(path, 'utf8');
    using schema = XmlDocument.fromString(read === undefined ? text : text.replaceAll(read.from, namespace), {
      url: path,
    });
    const validator = XsdValidator.fromDoc(schema);
    this.#validators.set(key, validator);
    return validator;
  }

  /** Validates one element given as a whole document. Answers the official file and every fault it finds. */
  judge(xml: string | Uint8Array): { file: string; faults: string[] } {
    using document = typeof xml === 'string' ? XmlDocument.fromString(xml) : XmlDocument.fromBuffer(xml);
    const namespace = document.root.namespaceUri;
    const file = SCHEMA_OF[namespace] ?? READ_AS[namespace]?.file;
    if (file === undefined) return { file: '-', faults: [`no official schema for namespace ${namespace || '(none)'}`] };
    try {
      this.#validator(file, namespace).validate(document);
      return { file, faults: [] };
    } catch (cause) {
      const details = (cause as { details?: { message: string; line?: number }[] }).details ?? [];
      return { file, faults: details.length > 0 ? details.map((one) => one.message.trim()) : [String(cause)] };
    }
  }

  /** The first element inside `path` (XPath, any namespaces by local-name()) as a document of its own. */
  extract(xml: string | Uint8Array, path: string): string | undefined {
    using document = typeof xml === 'string' ? XmlDocument.fromString(xml) : XmlDocument.fromBuffer(xml);
    const node = document.get(path);
    if (node === null) return undefined;
    // Serialised by libxml2, so that namespace declarations of outer elements come along.
    using copy = XmlDocument.fromString(withNamespaces(node.toString(), document.root.toString()));
    return copy.toString();
  }

  dispose(): void {
    for (const validator of this.#validators.values()) validator.dispose();
    this.#validators.clear();
  }
}

/** `element` with those prefix declarations of the envelope's root that it uses but does not declare. */
function withNamespaces(element: string, root: string): string {
  const open = /^<([^\s/>]+)/.exec(element)?.[0] ?? '';
  const rootOpen = /^<[^>]*>/.exec(root)?.[0] ?? '';
  const declared = new Set(
    [...(/^<[^>]*>/.exec(element)?.[0] ?? '').matchAll(/xmlns:?([^=\s]*)=/g)].map((match) => match[1]),
  );
  const missing = [...rootOpen.matchAll(/xmlns:?([^=\s]*)=("[^"]*"|'[^']*')/g)]
    .filter((match) => !declared.has(match[1]))
    .map((match) => ` ${match[0]}`)
    .join('');
  return open + missing + element.slice(open.length);
}
