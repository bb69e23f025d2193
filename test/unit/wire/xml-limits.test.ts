// How much work one XML message may make: whoever reaches a listener can send one, and there is one thread. Bounded by counting.
import { describe, expect, test, vi } from 'vitest';
import { parseXml } from '../../../wire/xml.ts';
import { saxesTree as judge } from '../../support/saxes-tree.ts';
import { codeOf } from '../../support/wire-error.ts';

describe('how much work a message makes', () => {
  const LIMITS = { elements: 10, attributes: 10, declarations: 4 };
  test.each([
    ['elements', `<a>${'<b/>'.repeat(9)}</a>`, `<a>${'<b/>'.repeat(10)}</a>`],
    ['attributes', `<a>${'<b c="" d="="/>'.repeat(5)}</a>`, `<a x="">${'<b c="" d="="/>'.repeat(5)}</a>`],
    ['declarations', `<a>${'<b xmlns="u"/>'.repeat(4)}</a>`, `<a>${"<b xmlns:p = 'u'/>".repeat(5)}</a>`],
  ])('so many %s and no more', (_what, most, more) => {
    expect(parseXml(most, LIMITS)).toEqual(judge(most));
    expect(codeOf(() => parseXml(more, LIMITS))).toBe('XML_LIMIT');
  });
  test('as many attributes of one element as no message has are refused', () => {
    const element = (count: number) => `<a ${Array.from({ length: count }, (_, n) => `b${n}=""`).join(' ')}/>`;
    expect(parseXml(element(256)).attributes.size).toBe(256);
    expect(codeOf(() => parseXml(element(257)))).toBe('XML_LIMIT');
  });
  test('a namespace is written down once, however many elements below declare others', () => {
    const many = Array.from({ length: 200 }, (_, n) => `xmlns:p${n}="u${n}"`).join(' ');
    const message = `<a ${many}>${'<b xmlns:q="u"><p7:c/></b>'.repeat(1_000)}</a>`;
    const written = vi.spyOn(Map.prototype, 'set');
    try {
      const root = parseXml(message);
      // 1 + 200 + 1000 declarations; copied for each declaring element they would be two hundred thousand.
      expect(written.mock.calls.length).toBeLessThan(10_000);
      expect(root.children[999]?.children[0]?.ns).toBe('u7');
    } finally {
      written.mockRestore();
    }
  });
});
