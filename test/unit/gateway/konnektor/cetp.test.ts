// The receiver of events (CETP, konnektor.md 5): frames in pieces and several at once, over TCP and TLS; what is no frame, too long, cut or
// too slow ends its connection and nothing else; and nobody without the Konnektor's certificate gets through where one is demanded.
import { connect } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { afterEach, describe, expect, test } from 'vitest';
import { mintCa, mintLeaf, mintRoot } from '../../../../certs/mint.ts';
import { type CetpReceiver, openCetpReceiver, READ_MS } from '../../../../gateway/konnektor/cetp.ts';
import { type CetpEvent, CetpFrames, MAX_MESSAGE_BYTES, readEvent } from '../../../../gateway/konnektor/cetp-frames.ts';
import { LINES_A_MINUTE } from '../../../../gateway/konnektor/sparing-log.ts';
import { type LogFields, silentLogger } from '../../../../gateway/log.ts';
import { clientTlsOptions } from '../../../../wire/tls.ts';
import { gatewayErrorOf } from '../../../support/gateway-error.ts';
import { handClock } from '../../../support/hand-clock.ts';
import { codeOf } from '../../../support/wire-error.ts';

const EVT = 'http://ws.gematik.de/conn/EventService/v7.2';
const eventXml = (topic: string, more = '') =>
  `<?xml version="1.0" encoding="UTF-8"?><e:Event xmlns:e="${EVT}"><e:Topic>${topic}</e:Topic><e:Type>Operation</e:Type><e:Severity>Info</e:Severity><e:SubscriptionID>s1</e:SubscriptionID><e:Message>${more}</e:Message></e:Event>`;
const CT = '<e:Parameter><e:Key>CtID</e:Key><e:Value>CT7</e:Value></e:Parameter>';

function frame(message: string | Uint8Array): Buffer {
  const body = Buffer.from(message);
  const head = Buffer.from('CETP\0\0\0\0', 'latin1');
  head.writeUInt32BE(body.length, 4);
  return Buffer.concat([head, body]);
}

describe('frames', () => {
  const two = Buffer.concat([frame('first'), frame('second')]);
  test.each([1, 2, 3, 5, 7, 8, 9, 13, 100])('in pieces of %i bytes', (size) => {
    const frames = new CetpFrames();
    const messages: string[] = [];
    for (let at = 0; at < two.length; at += size)
      messages.push(...frames.push(two.subarray(at, at + size)).map((one) => Buffer.from(one).toString()));
    expect([messages, frames.open]).toEqual([['first', 'second'], false]);
  });
  test('one that has begun is open', () => {
    const frames = new CetpFrames();
    expect(frames.push(two.subarray(0, 20))).toHaveLength(1);
    expect(frames.open).toBe(true);
  });
  test.each<[string, Buffer, string]>([
    ['other letters', Buffer.from('HTTP/1.1'), 'cetp.magic'],
    ['small letters', Buffer.from('cetp'), 'cetp.magic'],
    ['one wrong letter', Buffer.from('X'), 'cetp.magic'],
    ['no message', frame(''), 'cetp.length'],
    ['a length over 256 KiB', Buffer.from([0x43, 0x45, 0x54, 0x50, 0, 0x04, 0, 1]), 'cetp.length'],
    ['the largest length there is', Buffer.from([0x43, 0x45, 0x54, 0x50, 255, 255, 255, 255]), 'cetp.length'],
  ])('refused: %s', async (_name, bytes, check) => {
    expect(await gatewayErrorOf(async () => new CetpFrames().push(bytes))).toMatchObject({ check });
  });
  test('256 KiB are taken', () => {
    expect(new CetpFrames().push(frame(Buffer.alloc(MAX_MESSAGE_BYTES)))[0]?.byteLength).toBe(MAX_MESSAGE_BYTES);
  });
});

describe('events', () => {
  test.each(['CARD/INSERTED', 'Card/Inserted'])('%s is one topic', (topic) => {
    expect(readEvent(Buffer.from(eventXml(topic, CT)))).toEqual({
      ...{ topic: 'CARD/INSERTED', severity: 'Info', subscriptionId: 's1', ctId: 'CT7' },
    });
  });
  const parameters = (count: number, value: string) =>
    Array.from(
      { length: count },
      (_, n) => `<e:Parameter><e:Key>K${n}</e:Key><e:Value>${value}</e:Value></e:Parameter>`,
    );
  test('the richest one, with values as long as they may be, is read', () => {
    const message = Buffer.from(eventXml('CARD/INSERTED', parameters(10, '\u{1F600}'.repeat(5_000)).join('') + CT));
    expect(message.length).toBeLessThan(MAX_MESSAGE_BYTES);
    expect(readEvent(message).ctId).toBe('CT7');
  });
  test.each([
    ['elements without end', '<b/>'.repeat(10_000)],
    ['attributes without end', `<b ${Array.from({ length: 10_000 }, (_, n) => `a${n}=""`).join(' ')}/>`],
    ['namespaces without end', '<b xmlns:p="u"/>'.repeat(10_000)],
  ])('one with %s is not taken apart', (_name, content) => {
    expect(codeOf(() => readEvent(Buffer.from(eventXml('X', content))))).toBe('XML_LIMIT');
  });
  test.each([
    ['another root', eventXml('X').replaceAll('e:Event', 'e:Other')],
    ['another namespace', eventXml('X').replace(EVT, 'urn:x')],
    ['no topic', eventXml('X').replace('<e:Topic>X</e:Topic>', '')],
    ['no XML', 'CARD/INSERTED'],
    ['a DTD', `<!DOCTYPE a [<!ENTITY b "c">]>${eventXml('X').slice(38)}`],
  ])('refused: %s', (_name, text) => {
    expect(() => readEvent(Buffer.from(text))).toThrow();
  });
});

describe('the receiver', () => {
  const root = mintRoot('Root');
  const ca = mintCa(root, 'CA');
  const server = mintLeaf(ca, { commonName: 'receiver', dns: ['receiver.example'] });
  const konnektor = mintLeaf(ca, { commonName: 'konnektor' });
  const stranger = mintLeaf(mintCa(mintRoot('Other'), 'Other CA'), { commonName: 'stranger' });

  let receiver: CetpReceiver;
  afterEach(() => receiver.close());
  const refusals: string[] = [];
  const told: LogFields[] = [];
  const log = {
    ...silentLogger,
    info: (_event: string, fields: LogFields = {}) => void told.push(fields),
    warn: (_event: string, fields: LogFields = {}) => void refusals.push(String(fields.check)),
  };

  async function open(tls = false, more: { handshakeMs?: number } = {}) {
    refusals.length = 0;
    told.length = 0;
    const clock = handClock();
    const events: CetpEvent[] = [];
    let taken = Promise.withResolvers<void>();
    receiver = await openCetpReceiver({
      konnektor: 'k1',
      listen: {
        ...{ host: '127.0.0.1', port: 0 },
        ...(tls && {
          tls: { cert: server.certPem + ca.certPem, key: server.keyPem, clientCa: root.certPem + ca.certPem },
        }),
      },
      onEvent: (event) => {
        events.push(event);
        taken.resolve();
      },
      timer: clock.timer,
      log,
      ...more,
    });
    const next = async (count: number) => {
      while (events.length < count) {
        await taken.promise;
        taken = Promise.withResolvers();
      }
      return events.map(({ topic }) => topic);
    };
    return { port: Number(new URL(receiver.address).port), events, next, clock };
  }
  const closedBy = (socket: ReturnType<typeof connect>) => {
    socket.on('error', () => {});
    socket.resume();
    return new Promise<void>((resolve) => socket.once('close', () => resolve()));
  };

  test('takes several events on one connection and on several', async () => {
    const { port, next } = await open();
    const one = connect(port, '127.0.0.1');
    one.write(Buffer.concat([frame(eventXml('CARD/INSERTED')), frame(eventXml('CARD/REMOVED'))]));
    await next(2);
    const other = connect(port, '127.0.0.1');
    other.end(frame(eventXml('BOOTUP/BOOTUP_COMPLETE')));
    await closedBy(other);
    one.end(frame(eventXml('CT/CONNECTED')));
    expect((await next(4)).sort()).toEqual(['BOOTUP/BOOTUP_COMPLETE', 'CARD/INSERTED', 'CARD/REMOVED', 'CT/CONNECTED']);
    expect(refusals).toEqual([]);
  });

  test.each<[string, Buffer, string]>([
    ['what is no frame', Buffer.from('GET / HTTP/1.1\r\n\r\n'), 'cetp.magic'],
    ['a frame too long', Buffer.from([0x43, 0x45, 0x54, 0x50, 0x7f, 0, 0, 0]), 'cetp.length'],
    ['what is no event', frame('<a/>'), 'cetp.event'],
  ])('ends a connection with %s, and goes on with others', async (_name, bytes, check) => {
    const { port, next, events } = await open();
    const bad = connect(port, '127.0.0.1');
    bad.write(bytes);
    await closedBy(bad);
    expect([refusals, events]).toEqual([[check], []]);
    connect(port, '127.0.0.1').end(frame(eventXml('CARD/INSERTED')));
    expect(await next(1)).toEqual(['CARD/INSERTED']);
  });

  test('a frame that is not whole in time, or cut, ends its connection', async () => {
    const { port, clock, next } = await open();
    const slow = connect(port, '127.0.0.1');
    const whole = frame(eventXml('CARD/INSERTED'));
    slow.write(Buffer.concat([whole, whole.subarray(0, 40)]));
    await next(1);
    clock.passed(READ_MS);
    await closedBy(slow);
    const cut = connect(port, '127.0.0.1');
    cut.end(whole.subarray(0, 40));
    await closedBy(cut);
    expect(refusals).toEqual(['cetp.time', 'cetp.cut']);
  });

  test('a flood of events fills no log: so many lines a minute, then how many more', async () => {
    const { port, next, clock } = await open();
    const socket = connect(port, '127.0.0.1');
    const event = frame(eventXml('CARD/INSERTED'));
    socket.write(Buffer.concat(Array.from({ length: LINES_A_MINUTE + 500 }, () => event)));
    await next(LINES_A_MINUTE + 500);
    expect(told).toHaveLength(LINES_A_MINUTE);
    clock.passed(60_000);
    expect(told.slice(LINES_A_MINUTE)).toEqual([{ konnektor: 'k1', count: 500 }]);
    const other = connect(port, '127.0.0.1');
    other.write(event);
    await next(LINES_A_MINUTE + 501);
    expect(told.at(-1)).toEqual({ konnektor: 'k1', name: 'CARD/INSERTED' });
  });

  const over = (port: number, client?: { certPem: string; keyPem: string }) =>
    connectTls({
      ...clientTlsOptions({
        ...{ ca: root.certPem + ca.certPem, servername: 'receiver.example' },
        ...(client && { cert: client.certPem + ca.certPem, key: client.keyPem }),
      }),
      ...{ host: '127.0.0.1', port },
    });

  test('speaks TLS with the Konnektor that shows its certificate', async () => {
    const { port, next } = await open(true);
    over(port, konnektor).end(frame(eventXml('CARD/REMOVED')));
    expect(await next(1)).toEqual(['CARD/REMOVED']);
  });
  test.each([
    ['without a certificate', undefined],
    ["with a stranger's", stranger],
  ])('refuses who comes %s', async (_name, client) => {
    const { port, events } = await open(true);
    const socket = over(port, client);
    socket.on('error', () => {});
    socket.write(frame(eventXml('CARD/REMOVED')));
    await closedBy(socket);
    expect([events, refusals]).toEqual([[], ['cetp.tls']]);
  });

  const silent = async (port: number) => {
    const socket = connect(port, '127.0.0.1');
    const closed = closedBy(socket);
    await new Promise<void>((resolve) => socket.once('connect', () => resolve()));
    return { closed };
  };
  test('every place taken by who begins no handshake is free again after its time', async () => {
    const { port, next } = await open(true, { handshakeMs: 2_000 });
    const strangers = await Promise.all(Array.from({ length: 32 }, () => silent(port)));
    await Promise.all(strangers.map(({ closed }) => closed));
    over(port, konnektor).end(frame(eventXml('CARD/REMOVED')));
    expect(await next(1)).toEqual(['CARD/REMOVED']);
    expect(refusals).toEqual(Array.from({ length: LINES_A_MINUTE }, () => 'cetp.tls'));
  });
  test.each([true, false])('a stop ends who is connected and says nothing (TLS: %s)', async (tls) => {
    const { port, next } = await open(tls);
    const { closed } = await silent(port);
    // Taken in order: the silent one is in when an event of a later one has been read.
    (tls ? over(port, konnektor) : connect(port, '127.0.0.1')).end(frame(eventXml('CARD/REMOVED')));
    await next(1);
    await receiver.close();
    await closed;
  });
});
