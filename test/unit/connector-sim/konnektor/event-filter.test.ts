// The filter of a subscription (konnektor.md 5): what holds for an event, and what cannot be evaluated (4095).
import { expect, test } from 'vitest';
import { eventNode } from '../../../../connector-sim/konnektor/cetp-frame.ts';
import { readFilter } from '../../../../connector-sim/konnektor/event-filter.ts';
import type { KonnektorEvent } from '../../../../connector-sim/konnektor/events.ts';
import { KonnektorFault } from '../../../../connector-sim/konnektor/konnektor-fault.ts';

const event: KonnektorEvent = {
  topic: 'CARD/INSERTED',
  type: 'Operation',
  severity: 'Info',
  parameters: [
    ['CardType', 'SMC-B'],
    ['CtID', 'CT_1'],
    ['CardHolderName', ''],
  ],
};
const node = eventNode(event, 'sub-1', { topicSpelling: 'capitals', removedTypeKey: 'CardType' });

test.each([
  ['/EVT:Event', true],
  ['/Event', true],
  ['Event', true],
  ['/Event/Message/Parameter', true],
  ['/EVT:Event/EVT:Message/EVT:Parameter[EVT:Key="CtID" and EVT:Value="CT_1"]', true],
  ['/EVT:Event/EVT:Message/EVT:Parameter[EVT:Key="CtID" and EVT:Value="CT_2"]', false],
  ["/Event/Message/Parameter[Key='CardType']/Value = 'SMC-B'", true],
  ["/Event/Message/Parameter[Key='CardType']/Value/text() = 'SMC-B'", true],
  ["/Event/Message/Parameter[Key='CardType']/Value = 'HBA'", false],
  ["'SMC-B' = //Value", true],
  ["//Parameter[Key = 'CardType'][Value = 'SMC-B']", true],
  ["//Parameter[Key = 'CardType'][Value = 'CT_1']", false],
  ["//EVT:Topic = 'CARD/INSERTED'", true],
  ["/Event[Severity='Info' or Severity='Warning']", true],
  ["/Event[Severity='Error' or Severity='Fatal']", false],
  ["/Event/Type != 'Security'", true],
  ["/Event/Type != 'Operation'", false],
  ["not(//Value='HBA')", true],
  ["not(//Value='SMC-B') or //Key='CtID'", true],
  ["starts-with(/Event/Topic, 'CARD')", true],
  ["contains(/Event/Topic, 'REMOVED')", false],
  ["(//Key='CtID') and (//Value='CT_1')", true],
  ["//Parameter[Key='CardHolderName']/Value/text()", false],
  ["//Parameter[Key='CtID']/Value[. = 'CT_1']", true],
  ['/Message', false],
  ['true()', true],
  ['false() or true()', true],
])('%s is %s', (filter, holds) => expect(readFilter(filter)(node)).toBe(holds));

test.each([
  '',
  '   ',
  '/',
  '//',
  '/Event[',
  '/Event]',
  "/Event['open]",
  '/Event/',
  "Key='a' and",
  "='a'",
  'position()=1',
  'count(//Value) > 2',
  '//Parameter[1]',
  'child::Event',
  '@mandant',
  '//*',
  '../Event',
  'substring(//Value, 1)',
  "contains(//Value 'a')",
  'contains(//Value)',
  "starts-with(//Value, 'a'",
  '/other:Event',
  '$x',
  '1 + 1',
])('%j cannot be evaluated (4095)', (filter) => {
  let code: number | undefined;
  try {
    readFilter(filter);
  } catch (error) {
    if (error instanceof KonnektorFault) code = error.code;
  }
  expect(code).toBe(4095);
});
