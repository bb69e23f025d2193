// A CETP frame (konnektor.md 5): the letters CETP, the length of the message in four bytes, big endian, and the EVT:Event in
// UTF-8. No answer is read. Here too: the address of a sink, and the event as a subscription's filter sees it.
import { type Markup, xml } from '../../wire/xml.ts';
import type { FilterNode } from './event-filter.ts';
import type { KonnektorEvent } from './events.ts';
import type { KonnektorChoices } from './konnektor-choices.ts';
import { declare } from './namespaces.ts';

export type SinkAddress = { host: string; port: number };

/** `cetp://host:port`, undefined where that is not what it says. */
export function sinkAddress(eventTo: string): SinkAddress | undefined {
  if (!URL.canParse(eventTo)) return undefined;
  const { protocol, hostname, port } = new URL(eventTo);
  if (protocol !== 'cetp:' || hostname === '' || port === '') return undefined;
  return { host: hostname.replace(/^\[(.*)\]$/, '$1'), port: Number(port) };
}

type Spelling = Pick<KonnektorChoices, 'topicSpelling' | 'removedTypeKey'>;

/** ILF shows both CARD/INSERTED and Card/Inserted; names of conditions are spelled one way only. */
function spelled(topic: string, spelling: Spelling['topicSpelling']): string {
  if (spelling === 'capitals' || topic.startsWith('OPERATIONAL_STATE')) return topic;
  return topic
    .split('/')
    .map((part) => part.charAt(0) + part.slice(1).toLowerCase())
    .join('/');
}

/** BCH writes Type instead of CardType for a card that was removed. */
function parametersOf(event: KonnektorEvent, o: Spelling): [string, string][] {
  if (event.topic !== 'CARD/REMOVED' || o.removedTypeKey === 'CardType') return event.parameters;
  return event.parameters.map(([key, value]) => [key === 'CardType' ? 'Type' : key, value]);
}

export function eventMarkup(event: KonnektorEvent, subscriptionId: string, o: Spelling): Markup {
  const e = (name: string, ...content: (Markup | string)[]) => xml(`EVT:${name}`, {}, ...content);
  return xml(
    'EVT:Event',
    declare('EVT'),
    e('Topic', spelled(event.topic, o.topicSpelling)),
    e('Type', event.type),
    e('Severity', event.severity),
    e('SubscriptionID', subscriptionId),
    e('Message', ...parametersOf(event, o).map(([key, value]) => e('Parameter', e('Key', key), e('Value', value)))),
  );
}

export function eventNode(event: KonnektorEvent, subscriptionId: string, o: Spelling): FilterNode {
  const leaf = (name: string, text: string): FilterNode => ({ name, text, children: [] });
  const node = (name: string, ...children: FilterNode[]): FilterNode => ({ name, text: '', children });
  return node(
    'Event',
    leaf('Topic', spelled(event.topic, o.topicSpelling)),
    leaf('Type', event.type),
    leaf('Severity', event.severity),
    leaf('SubscriptionID', subscriptionId),
    node(
      'Message',
      ...parametersOf(event, o).map(([key, value]) => node('Parameter', leaf('Key', key), leaf('Value', value))),
    ),
  );
}

export function frameOfText(message: string): Buffer {
  const body = Buffer.from(message, 'utf8');
  const head = Buffer.alloc(8);
  head.write('CETP', 'latin1');
  head.writeUInt32BE(body.length, 4);
  return Buffer.concat([head, body]);
}
