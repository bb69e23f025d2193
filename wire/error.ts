// The one error of the wire layer. Its code is stable (XML_*, SOAP_*, MTOM_*, HTTP_*, CBOR_*, VAU_*, JOSE_*); the
// gateway translates it into a GatewayError. Messages name the broken rule and never carry content of the message
// read: no value of an element, no header value, no identifier of an insured person (style.md B8).

export class WireError extends Error {
  readonly code: string;

  constructor(code: string, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'WireError';
    this.code = code;
  }
}
