// CETP frames (konnektor.md 5; ILF 4.1.4): ASCII `CETP`, the length of the message in four bytes, big endian, then EVT:Event in UTF-8.
// They come in pieces and several on one connection. What an event says is a hint and never the truth.
import { child, childrenOf, parseXml, requireChild, textOf } from '../../wire/xml.ts';
import type { XmlLimits } from '../../wire/xml-lexis.ts';
import { answerInvalid } from './faults.ts';
import { NS } from './tables/namespaces.ts';

const MAGIC = Buffer.from('CETP', 'ascii');
const HEAD_BYTES = 8;
/**
 * konnektor.md 5: the richest event has ten parameters, a value has up to 5000 characters of up to four bytes, which makes 200 kB, and
 * there is room for keys and tags. Anybody may send one where the Konnektor is not asked for its certificate.
 */
export const MAX_MESSAGE_BYTES = 262_144;
/** The richest event has 36 elements; a Konnektor may declare its namespace on each of them. */
const EVENT_LIMITS: XmlLimits = { elements: 500, attributes: 1_000, declarations: 500 };

/** Collects what comes in and gives out whole messages. */
export class CetpFrames {
  #parts: Uint8Array[] = [];
  #held = 0;

  /** The messages that are whole now. Throws KONNEKTOR_ANSWER_INVALID for what is no frame: the connection is of no more use. */
  push(piece: Uint8Array): Uint8Array[] {
    this.#parts.push(piece);
    this.#held += piece.byteLength;
    const messages: Uint8Array[] = [];
    for (;;) {
      const wanted = this.#wanted();
      if (wanted === undefined || this.#held < wanted) return messages;
      const all = this.#whole();
      messages.push(new Uint8Array(all.subarray(HEAD_BYTES, wanted)));
      this.#parts = [all.subarray(wanted)];
      this.#held -= wanted;
    }
  }

  /** A frame has begun and is not whole. */
  get open(): boolean {
    return this.#held > 0;
  }

  /** Length of the frame that begins, where that is known. */
  #wanted(): number | undefined {
    const head = this.#head();
    if (!MAGIC.subarray(0, head.length).equals(head.subarray(0, MAGIC.length)))
      throw answerInvalid('a frame does not begin with CETP', { check: 'cetp.magic' });
    if (head.length < HEAD_BYTES) return undefined;
    const length = head.readUInt32BE(MAGIC.length);
    if (length > MAX_MESSAGE_BYTES || length === 0)
      throw answerInvalid('the message of a frame is empty or too long', { check: 'cetp.length' });
    return HEAD_BYTES + length;
  }

  /** Looked at without putting everything together: a sender may drip. */
  #head(): Buffer {
    if ((this.#parts[0]?.byteLength ?? 0) < HEAD_BYTES && this.#parts.length > 1) this.#whole();
    return Buffer.from(this.#parts[0] ?? []).subarray(0, HEAD_BYTES);
  }

  #whole(): Buffer {
    const all = Buffer.concat(this.#parts);
    this.#parts = [all];
    return all;
  }
}

/** EVT:Event as far as the gateway looks at it: the holder of a card, say, is not read. */
export type CetpEvent = { topic: string; severity: string; subscriptionId: string; ctId: string | undefined };

/** Topics in capitals: both spellings occur (ILF). Throws WireError or KONNEKTOR_ANSWER_INVALID. */
export function readEvent(message: Uint8Array): CetpEvent {
  const event = parseXml(message, EVENT_LIMITS);
  if (event.ns !== NS.EVT || event.name !== 'Event') throw answerInvalid('not an EVT:Event', { check: 'cetp.event' });
  const parameters = childrenOf(requireChild(event, NS.EVT, 'Message'), NS.EVT, 'Parameter');
  const ctId = parameters.find((one) => child(one, NS.EVT, 'Key')?.text.trim() === 'CtID');
  return {
    topic: textOf(event, NS.EVT, 'Topic').toUpperCase(),
    severity: textOf(event, NS.EVT, 'Severity'),
    // Empty after a restart: no subscription is left then.
    subscriptionId: child(event, NS.EVT, 'SubscriptionID')?.text.trim() ?? '',
    ctId: ctId && child(ctId, NS.EVT, 'Value')?.text.trim(),
  };
}

/** The Konnektor has restarted: every subscription is gone (ILF 4.1.4.5). */
export const BOOTED = 'BOOTUP/BOOTUP_COMPLETE';
