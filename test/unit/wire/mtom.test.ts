// MTOM messages written, XOP references, and what is refused in reading (the shapes read are in multipart.test.ts).
// Judges: Dicer of @fastify/busboy for what we write, saxes for the inlined root.
import { randomBytes } from 'node:crypto';
import { Dicer } from '@fastify/busboy';
import { describe, expect, test } from 'vitest';
import {
  contentIdOf,
  includeHref,
  inlineXop,
  type MtomPart,
  partOf,
  readMtom,
  writeMtom,
  XOP_NS,
} from '../../../wire/mtom.ts';
import { bodyOf, bytes, DOC, inChunks, ROOT } from '../../support/multipart-bodies.ts';
import { saxesTree } from '../../support/saxes-tree.ts';
import { codeOf, rejectionCode } from '../../support/wire-error.ts';

const ACTION = 'urn:ihe:iti:2007:ProvideAndRegisterDocumentSet-b';
async function joined(body: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(chunk);
  return Buffer.concat(chunks);
}

function part(contentId: string, content: Uint8Array, length = content.length): MtomPart {
  return { contentId, contentType: 'application/octet-stream', length, bytes: content };
}

const message = (parts: MtomPart[], root = '<a/>') =>
  writeMtom({ root, action: ACTION, boundary: 'uuid:b-1', rootContentId: 'root@x', parts });

describe('writing', () => {
  test('gives headers and body in the form that record systems know (export-flow.md 5.1)', async () => {
    const written = message([part('doc@x', bytes('\r\n\xff'))], '<a>\u{E4}</a>');
    expect(written.contentType).toBe(
      `multipart/related; type="application/xop+xml"; boundary="uuid:b-1"; start="<root@x>"; start-info="application/soap+xml; action=\\"${ACTION}\\""`,
    );
    expect((await joined(written.body)).toString('latin1')).toBe(
      '--uuid:b-1\r\n' +
        `Content-Type: application/xop+xml; charset=UTF-8; type="application/soap+xml; action=\\"${ACTION}\\""\r\n` +
        'Content-Transfer-Encoding: binary\r\nContent-ID: <root@x>\r\n\r\n<a>\xc3\xa4</a>\r\n--uuid:b-1\r\n' +
        'Content-Type: application/octet-stream\r\nContent-Transfer-Encoding: binary\r\nContent-ID: <doc@x>\r\n\r\n' +
        '\r\n\xff\r\n--uuid:b-1--\r\n',
    );
  });

  test('knows the length before it reads a part, passes chunks on as they are, and can be read twice', async () => {
    const content = randomBytes(100_000);
    let reads = 0;
    const source = {
      [Symbol.asyncIterator]() {
        reads += 1;
        return inChunks(content, 4096);
      },
    };
    const written = message([{ ...part('d', content), bytes: source }]);
    expect(reads).toBe(0);
    const chunks: Uint8Array[] = [];
    for await (const chunk of written.body) chunks.push(chunk);
    expect(chunks.filter((chunk) => chunk.buffer === content.buffer && chunk.length === 4096).length).toBe(24);
    expect(chunks.reduce((sum, chunk) => sum + chunk.length, 0)).toBe(written.length);
    expect((await joined(written.body)).equals(Buffer.concat(chunks))).toBe(true);
    expect(reads).toBe(2);
  });

  test('Dicer reads the same parts', async () => {
    const content = randomBytes(50_000);
    const written = message([part('d', content)], '<root/>');
    const dicer = new Dicer({ boundary: 'uuid:b-1' });
    const read: Promise<Buffer>[] = [];
    const ids: unknown[] = [];
    dicer.on('part', (stream) => {
      stream.on('header', (header) => ids.push(Object.entries(header).find(([name]) => name === 'content-id')?.[1]));
      read.push(joined(stream));
    });
    dicer.end(await joined(written.body));
    await new Promise((resolve) => dicer.on('finish', () => resolve(undefined)));
    const [root, document] = await Promise.all(read);
    expect([root?.toString(), document?.equals(content), ids]).toEqual(['<root/>', true, [['<root@x>'], ['<d>']]]);
  });

  test.each([
    ['shorter', 11, 10],
    ['longer', 9, 9],
    ['absent', 10, 0],
  ])(
    'a part %s than announced ends the stream with an error and without a byte too many',
    async (what, announced, sent) => {
      const content = bytes(what === 'absent' ? '' : '0123456789');
      const written = message([{ ...part('d', content, announced), bytes: inChunks(content, 3) }]);
      let text = '';
      const reading = (async () => {
        for await (const chunk of written.body) text += Buffer.from(chunk).toString('latin1');
      })();
      expect(await rejectionCode(reading)).toBe('MTOM_LENGTH');
      expect(text.length - text.lastIndexOf('\r\n\r\n') - 4).toBe(sent);
      expect(text.length).toBeLessThan(written.length);
    },
  );

  test.each([
    ['a boundary with a space', { boundary: 'a b' }],
    ['a boundary with a quote', { boundary: 'a"b' }],
    ['an empty boundary', { boundary: '' }],
    ['a boundary of 71 characters', { boundary: 'b'.repeat(71) }],
    ['an action with a quote', { action: 'a"b' }],
    ['an action with a line end', { action: 'a\r\nb' }],
    ['a content id with a line end', { rootContentId: 'a\r\nb' }],
    ['a content id with brackets', { rootContentId: '<a>' }],
    ['a part type with a line end', { parts: [{ ...part('d', bytes('')), contentType: 'a/b\r\nX: y' }] }],
  ])('%s is refused', (_name, broken) => {
    const good = { root: '<a/>', action: ACTION, boundary: 'b', rootContentId: 'r', parts: [] };
    expect(codeOf(() => writeMtom({ ...good, ...broken }))).toBe('MTOM_HEADERS');
  });
});

const TYPE = 'multipart/related; type="application/xop+xml"; boundary=b';

describe('refusing', () => {
  const good = bodyOf('b', [`${ROOT}\r\nContent-ID: <r>`, '<a/>'], [DOC, 'x']);
  const text = good.toString('latin1');

  test.each([
    ['no closing boundary', text.replace('--b--', ''), 'MTOM_TRUNCATED'],
    ['an end inside a part', text.slice(0, -9), 'MTOM_TRUNCATED'],
    ['an end inside part headers', text.slice(0, 60), 'MTOM_TRUNCATED'],
    ['another boundary', text.replaceAll('--b', '--c'), 'MTOM_TRUNCATED'],
    ['an empty body', '', 'MTOM_TRUNCATED'],
    ['no parts', '--b--\r\n', 'MTOM_ROOT'],
    ['LF alone as line end', text.replaceAll('\r\n', '\n'), 'MTOM_LINE_END'],
    ['LF alone between part headers', text.replace('\r\nContent-Tr', '\nContent-Tr'), 'MTOM_LINE_END'],
    ['LF alone before a folded header line', text.replace('xml; ', 'xml;\n '), 'MTOM_LINE_END'],
    ['CR alone between part headers', text.replace('\r\nContent-Tr', '\rContent-Tr'), 'MTOM_LINE_END'],
    ['a part header without colon', text.replace('Content-ID:', 'Content-ID'), 'MTOM_HEADERS'],
    ['a repeated part header', text.replace('<doc>', '<doc>\r\ncontent-id: <doc2>'), 'MTOM_HEADERS'],
    ['part headers without end', text.replace('<doc>', `<doc>${'x'.repeat(20_000)}`), 'MTOM_HEADERS'],
    ['quoted-printable', text.replace(/binary(?=\r\nContent-ID: <doc)/, 'quoted-printable'), 'MTOM_ENCODING'],
    ['an unknown encoding', text.replace('binary', 'x-gzip'), 'MTOM_ENCODING'],
    ['broken base64', text.replace(/binary(?=\r\nContent-ID: <doc)/, 'base64'), 'MTOM_ENCODING'],
    ['a part without Content-ID', text.replace('\r\nContent-ID: <doc>', ''), 'MTOM_CONTENT_ID'],
    ['an empty Content-ID', text.replace('<doc>', '<>'), 'MTOM_CONTENT_ID'],
    ['two parts of one Content-ID', `${text.slice(0, -7)}\r\n--b\r\n${DOC}\r\n\r\ny\r\n--b--`, 'MTOM_CONTENT_ID'],
    ['101 parts', `--b\r\n${DOC}\r\n\r\n\r\n`.repeat(101), 'MTOM_TOO_LARGE'],
  ])('%s', async (_name, body, code) => {
    expect(await rejectionCode(readMtom(TYPE, good))).toBe('nothing thrown');
    expect(await rejectionCode(readMtom(TYPE, bytes(body)))).toBe(code);
    expect(await rejectionCode(readMtom(TYPE, inChunks(bytes(body), 11)))).toBe(code);
  });

  test.each([
    ['application/soap+xml', 'MTOM_CONTENT_TYPE'],
    ['multipart/form-data; boundary=b', 'MTOM_CONTENT_TYPE'],
    ['multipart/related', 'MTOM_CONTENT_TYPE'],
    ['multipart/related; boundary=""', 'MTOM_CONTENT_TYPE'],
    ['multipart/related; boundary=b; boundary=b', 'MTOM_CONTENT_TYPE'],
    [`multipart/related; boundary=${'b'.repeat(201)}`, 'MTOM_CONTENT_TYPE'],
    ['multipart/related; boundary=b; start="<other>"', 'MTOM_ROOT'],
  ])('the Content-Type %j', async (contentType, code) => {
    expect(await rejectionCode(readMtom(contentType, good))).toBe(code);
  });

  test('a part beyond the limit, before the rest of it is read', async () => {
    let read = 0;
    let closed = false;
    async function* endless() {
      try {
        yield bytes(`--b\r\n${ROOT}\r\n\r\n`);
        for (;;) {
          read += 1000;
          yield Buffer.alloc(1000);
        }
      } finally {
        closed = true;
      }
    }
    expect(await rejectionCode(readMtom(TYPE, endless(), { partBytes: 5000 }))).toBe('MTOM_TOO_LARGE');
    expect([read, closed]).toEqual([6000, true]);
    expect(await rejectionCode(readMtom(TYPE, good, { partBytes: 4 }))).toBe('nothing thrown');
    expect(await rejectionCode(readMtom(TYPE, good, { partBytes: 3 }))).toBe('MTOM_TOO_LARGE');
  });

  test('an error of the source itself goes through', async () => {
    async function* broken() {
      yield bytes('--b\r\n');
      throw new Error('connection lost');
    }
    await expect(readMtom(TYPE, broken())).rejects.toThrow('connection lost');
  });
});

test('a document of 25 MB comes through byte for byte, in pieces', async () => {
  const content = randomBytes(25_000_000);
  const written = message([{ ...part('d', content), bytes: inChunks(content, 65_536) }]);
  const read = await readMtom(written.contentType, written.body);
  expect(content.equals(read.parts.get('d')?.bytes ?? new Uint8Array())).toBe(true);
});

describe('references to parts', () => {
  test.each(['doc', 'a@b', 'a+b%20c@d', '1:2/3?4#5', '\u{E4} '])(
    'the content id %j survives the way into a URL and back',
    (id) => {
      expect(contentIdOf(includeHref(id))).toBe(id);
      expect(includeHref(id)).toMatch(/^cid:[\x21-\x7e]+$/);
    },
  );

  test('what other stacks leave unencoded is read too, and a plus stays a plus', () => {
    expect(['cid:a@b', 'CID:a%40b', 'cid:a+b'].map(contentIdOf)).toEqual(['a@b', 'a@b', 'a+b']);
  });

  test.each(['', 'cid:', 'doc', 'http://a/b', 'cid:%', 'cid:%zz', 'cid:%ff'])('%j is refused', (href) => {
    expect(codeOf(() => contentIdOf(href))).toBe('MTOM_HREF');
  });

  const root = (inner: string) => Buffer.from(`\u{FEFF}<?xml version="1.0"?><r xmlns:x="${XOP_NS}">${inner}</r>`);
  const parts = new Map([['d@x', { contentType: 'a/b', bytes: bytes('\0\xff') }]]);

  test('each Include becomes base64, whatever its prefix, and nothing else changes', () => {
    const inner =
      '<a><x:Include href="cid:d%40x"/></a><b c="x:Include"><Include xmlns="http://www.w3.org/2004/08/xop/include" href="cid:d@x"></Include></b>' +
      '<!-- <x:Include href="cid:none"/> --><c><![CDATA[<x:Include/>]]></c><Include/>';
    const inlined = saxesTree(inlineXop(root(inner), parts));
    expect(inlined.children.map((e) => [e.name, e.text, e.children.length])).toEqual([
      ['a', 'AP8=', 0],
      ['b', 'AP8=', 0],
      ['c', '<x:Include/>', 0],
      ['Include', '', 0],
    ]);
  });

  test('a content id that its stack writes percent-encoded into the part header too is found, as CXF does it', () => {
    const encoded = '5eeafcfb-1@urn%3Aihe%3Aiti%3Axds-b%3A2007';
    const plain = '5eeafcfb-1@urn:ihe:iti:xds-b:2007';
    const named = (id: string) => new Map([[id, { contentType: 'a/b', bytes: bytes('\0\xff') }]]);
    expect(partOf(`cid:${encoded}`, named(encoded))).toBe(encoded);
    expect(partOf(`cid:${encoded}`, named(plain))).toBe(plain);
    expect(partOf(`cid:${plain}`, named(encoded))).toBeUndefined();
    expect(saxesTree(inlineXop(root(`<x:Include href="cid:${encoded}"/>`), named(encoded))).text).toBe('AP8=');
  });

  test('an Include of no part, without or with a broken reference is refused', () => {
    expect(codeOf(() => inlineXop(root('<x:Include href="cid:none"/>'), parts))).toBe('MTOM_CONTENT_ID');
    expect(codeOf(() => inlineXop(root('<x:Include/>'), parts))).toBe('MTOM_HREF');
    expect(codeOf(() => inlineXop(root('<y:Include href="cid:d@x"/>'), parts))).toBe('XML_NAMESPACE');
  });
});
