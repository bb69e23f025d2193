// One HTTP/1.1 message inside a VAU frame, as the foreign clients write and read it (export-flow.md 3.5): exact Content-Length
// up; down, the body is the rest of the frame, whatever Content-Length says or does not say.

export type InnerReply = { status: number; headers: Map<string, string>; body: Buffer };

export function innerRequest(o: {
  method: string;
  path: string;
  headers: readonly (readonly [string, string])[];
  body?: Uint8Array;
}): Buffer {
  const body = o.body ?? Buffer.alloc(0);
  const length = o.method === 'GET' ? [] : [`Content-Length: ${body.length}`];
  const lines = [`${o.method} ${o.path} HTTP/1.1`, ...o.headers.map(([name, value]) => `${name}: ${value}`), ...length];
  return Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'), body]);
}

export function innerReply(plaintext: Uint8Array): InnerReply {
  const bytes = Buffer.from(plaintext);
  const end = bytes.indexOf('\r\n\r\n');
  const [start = '', ...lines] = bytes.subarray(0, end).toString('latin1').split('\r\n');
  const headers = new Map<string, string>();
  for (const line of lines) {
    const colon = line.indexOf(':');
    headers.set(line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim());
  }
  return { status: Number(start.split(' ')[1]), headers, body: bytes.subarray(end + 4) };
}

export function jsonBody(reply: { body: Uint8Array }): Record<string, unknown> {
  return JSON.parse(Buffer.from(reply.body).toString('utf8')) as Record<string, unknown>;
}
