// Multipart bodies in the shapes that CXF, .NET, Python and the open-source clients of gematik's services send
// (export-flow.md 5.1, epa-record-system.md 4.1), whole and in pieces.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readMtom, writeMtom } from '../../../wire/mtom.ts';
import { isMultipart, readMediaType } from '../../../wire/multipart.ts';
import { bodyOf, bytes, DOC, inChunks, ROOT } from '../../support/multipart-bodies.ts';
import { codeOf, rejectionCode } from '../../support/wire-error.ts';

const ACTION = 'urn:ihe:iti:2007:ProvideAndRegisterDocumentSet-b';
const TYPE = 'multipart/related; type="application/xop+xml"';

describe('reading what other stacks send', () => {
  const content = '\x00\xff\r\n--\r\n\r\n-';
  const shapes: [name: string, contentType: string, boundary: string, rootId: string][] = [
    [
      'CXF',
      `${TYPE}; boundary="uuid:1f-2"; start="<root.message@cxf.apache.org>"; start-info="application/soap+xml; action=\\"${ACTION}\\""`,
      'uuid:1f-2',
      '<root.message@cxf.apache.org>',
    ],
    [
      'CXF with quotes it forgot to escape',
      `${TYPE}; start-info="application/soap+xml; action="${ACTION}""; boundary="uuid:1f-2"; start="<root.message@cxf.apache.org>"`,
      'uuid:1f-2',
      '<root.message@cxf.apache.org>',
    ],
    [
      'a Java client without start',
      `multipart/related;start-info="application/soap+xml";type="application/xop+xml";action="${ACTION}";boundary=----=_Part_0_1.2`,
      '----=_Part_0_1.2',
      '<any@x>',
    ],
    [
      '.NET',
      `multipart/related; type="application/xop+xml";start="<http://tempuri.org/0>";boundary="uuid:0ca+id=1";start-info="application/soap+xml"`,
      'uuid:0ca+id=1',
      '<http://tempuri.org/0>',
    ],
    [
      'Python',
      'multipart/related; boundary="===============123456=="; type="application/xop+xml"; start="<main>"; charset=utf-8',
      '===============123456==',
      '<main>',
    ],
    ['start without brackets', `${TYPE}; boundary=b; start=main`, 'b', '<main>'],
    ['brackets only in start', `${TYPE}; boundary=b; start="<main>"`, 'b', 'main'],
    [
      'everything unquoted and in odd case',
      "Multipart/Related ; Boundary=a'()+_,-./:=?b ;START=<main>",
      "a'()+_,-./:=?b",
      '<main>',
    ],
    ['a folded header line', `${TYPE};\r\n\tboundary="b";\r\n start="<main>"`, 'b', '<main>'],
  ];
  test.each(shapes)('%s', async (_name, contentType, boundary, rootId) => {
    const sent = bodyOf(boundary, [`${ROOT}\r\nContent-ID: ${rootId}`, '<a/>'], [DOC, content]);
    expect(isMultipart(contentType)).toBe(true);
    for (const body of [sent, inChunks(sent, 1), inChunks(sent, 7)]) {
      const read = await readMtom(contentType, body);
      expect(Buffer.from(read.root).toString()).toBe('<a/>');
      expect(read.rootContentType).toContain('application/xop+xml');
      expect([...read.parts.keys()]).toEqual(['doc']);
      expect(Buffer.from(read.parts.get('doc')?.bytes ?? []).toString('latin1')).toBe(content);
    }
  });

  const roots: [name: string, start: string, body: Buffer][] = [
    [
      'preamble and epilogue',
      '',
      bytes(`This is MIME.\r\n--bx\r\n${bodyOf('b', [ROOT, '<a/>'], [DOC, 'x'])}\r\n--b\r\nepilogue`),
    ],
    ['no line end at the end', '', bodyOf('b', [ROOT, '<a/>'], [DOC, 'x']).subarray(0, -2)],
    ['a line end at the start', '', bytes(`\r\n${bodyOf('b', [ROOT, '<a/>'], [DOC, 'x'])}`)],
    [
      'blanks behind the boundary',
      '',
      bytes(`--b \t\r\n${ROOT}\r\n\r\n<a/>\r\n--b\t\r\n${DOC}\r\n\r\nx\r\n--b-- \r\n`),
    ],
    ['the root as second part', '; start="<r>"', bodyOf('b', [DOC, 'x'], [`${ROOT}\r\ncontent-id:<r>`, '<a/>'])],
    ['a root without any header', '', bytes(`--b\r\n\r\n<a/>\r\n--b\r\n${DOC}\r\n\r\nx\r\n--b--`)],
    [
      'folded part headers',
      '',
      bodyOf(
        'b',
        ['Content-Type: application/xop+xml;\r\n\ttype="a/b"', '<a/>'],
        [DOC.replace('ID: ', 'ID:\r\n '), 'x'],
      ),
    ],
    ['base64', '', bodyOf('b', [ROOT, '<a/>'], [DOC.replace('binary', 'BASE64'), 'e\r\nA==\r\n'])],
    ['8bit', '', bodyOf('b', [ROOT, '<a/>'], [DOC.replace('binary', '8bit'), 'x'])],
    ['no encoding named', '', bodyOf('b', [ROOT, '<a/>'], [DOC.replace(/Content-Tr.*\r\n/, ''), 'x'])],
  ];
  test.each(roots)('%s', async (_name, start, body) => {
    for (const source of [body, inChunks(body, 1)]) {
      const read = await readMtom(`${TYPE}; boundary=b${start}`, source);
      expect(Buffer.from(read.root).toString()).toBe('<a/>');
      expect(Buffer.from(read.parts.get('doc')?.bytes ?? []).toString()).toBe('x');
    }
  });

  test.each([
    '',
    '\r\n',
    '\r\n\r\n',
    '\n',
    '\r',
    '--b-',
    '\r\n--bb\r\n',
    '\r\n--b-\r\n',
    '\r\n--b--x',
    '\r\n--b x',
    '\n--b\r\n',
    '\r--b\r\n',
    '--B\r\n',
  ])('content %j, which looks like a boundary and is none, arrives as it is', async (text) => {
    const body = bodyOf('b', [ROOT, '<a/>'], [DOC, text]);
    for (const source of [body, inChunks(body, 1), inChunks(body, 3)]) {
      const read = await readMtom(`${TYPE}; boundary=b`, source);
      expect(Buffer.from(read.parts.get('doc')?.bytes ?? [1]).toString()).toBe(text);
    }
  });

  test('a part may lack its content altogether', async () => {
    const read = await readMtom(
      `${TYPE}; boundary=b`,
      bytes(`--b\r\n${ROOT}\r\n\r\n<a/>\r\n--b\r\n${DOC}\r\n\r\n--b--`),
    );
    expect(read.parts.get('doc')?.bytes.length).toBe(0);
  });
});

describe('properties', () => {
  const piece = fc.constantFrom('\r\n', '\r', '\n', '--', '-', 'b', ' ', '\t', '--b', '\r\n--b', '\0', '\xff');
  const content = fc
    .array(piece, { maxLength: 12 })
    .map((pieces) => pieces.join(''))
    // What a composer must not send: a line that is a delimiter (RFC 2046 section 5.1.1).
    .filter((text) => !/\r\n--b(--)?[ \t]*\r\n/.test(`\r\n${text}\r\n`));

  test('whatever is written is read again, in whatever pieces it arrives', async () => {
    await fc.assert(
      fc.asyncProperty(content, content, fc.integer({ min: 1, max: 40 }), async (first, second, size) => {
        const parts = [first, second].map((text, index) => ({
          contentId: `p${index}`,
          contentType: 'a/b',
          length: text.length,
          bytes: bytes(text),
        }));
        const written = writeMtom({ root: '<a/>', action: ACTION, boundary: 'b', rootContentId: 'r', parts });
        const chunks: Uint8Array[] = [];
        for await (const chunk of written.body) chunks.push(chunk);
        const whole = Buffer.concat(chunks);
        expect(whole.length).toBe(written.length);
        const read = await readMtom(written.contentType, inChunks(whole, size));
        expect([...read.parts.values()].map((part) => Buffer.from(part.bytes).toString('latin1'))).toEqual([
          first,
          second,
        ]);
      }),
    );
  });

  test('a body cut anywhere before its closing boundary is refused, never read as shorter', async () => {
    const whole = bodyOf('b', [ROOT, '<a/>'], [DOC, 'x\r\n--b']);
    for (let length = 0; length < whole.length - 2; length += 1) {
      const cut = readMtom(`${TYPE}; boundary=b`, inChunks(whole.subarray(0, length), 16));
      expect(await rejectionCode(cut), `at ${length}`).toBe('MTOM_TRUNCATED');
    }
  });
});

describe('media types', () => {
  test('parameters are found whatever their order, case, blanks and quotes', () => {
    const read = readMediaType('Text/XML;Charset = utf-8 ; a="b;\\"c\\\\" ; d=e=f');
    expect([read.type, ...read.parameters]).toEqual(['text/xml', ['charset', 'utf-8'], ['a', 'b;"c\\'], ['d', 'e=f']]);
    expect(readMediaType('a/b').parameters.size).toBe(0);
  });

  test.each(['', 'multipart', 'multipart/', '/related', 'a b/c', 'a/b c', 'a/b; boundary=x; Boundary=y'])(
    '%j is refused',
    (text) => {
      expect(codeOf(() => readMediaType(text))).toBe('MTOM_CONTENT_TYPE');
    },
  );

  test('only multipart types are multipart', () => {
    expect(['multipart/related; a=b', 'MULTIPART/mixed'].map(isMultipart)).toEqual([true, true]);
    expect(['application/soap+xml', 'x-multipart/related', 'text/multipart', ''].map(isMultipart)).toEqual([
      false,
      false,
      false,
      false,
    ]);
  });
});
