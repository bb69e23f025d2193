// The narrative's rules, txt-1 and txt-2 (hl7.org/fhir/R4/narrative.html): what a reader may show without a risk, and nothing else.
import { describe, expect, test } from 'vitest';
import { narrativeFault } from '../../../mio/narrative.ts';

const div = (inner: string) => `<div xmlns="http://www.w3.org/1999/xhtml">${inner}</div>`;

describe('plain formatting is let through', () => {
  test.each([
    div(''),
    div('<h1>ä</h1><p class="x" style="color: red">a<br/>b</p><ul><li>c</li></ul>'),
    div('<table border="1"><tbody><tr><td colspan="2">x</td></tr></tbody></table>'),
    div('<a href="#x">a</a><a name="x"/><a href="https://example.org">b</a><img src="#pic" alt="x"/>'),
    div('<img alt="" src="data:image/png;base64,AAAA"/>&lt;script&gt;'),
  ])('%s', (one) => expect(narrativeFault(one)).toBeUndefined());
});

describe('everything else is refused', () => {
  test.each([
    ['a script', div('<script>1</script>'), 'NARRATIVE_UNSAFE'],
    ['a style sheet', div('<style>p{}</style>'), 'NARRATIVE_UNSAFE'],
    ['a frame', div('<iframe src="https://x"/>'), 'NARRATIVE_UNSAFE'],
    ['a form', div('<form action="https://x"/>'), 'NARRATIVE_UNSAFE'],
    ['an object', div('<object data="x"/>'), 'NARRATIVE_UNSAFE'],
    ['an event', div('<p onmouseover="x()">a</p>'), 'NARRATIVE_UNSAFE'],
    ['an event in capitals', div('<p onClick="x()">a</p>'), 'NARRATIVE_UNSAFE'],
    ['a link that runs', div('<a href="javascript:x()">a</a>'), 'NARRATIVE_UNSAFE'],
    ['a link that hides that it runs', div('<a href=" jAva&#9;script:x()">a</a>'), 'NARRATIVE_UNSAFE'],
    ['a link with data', div('<a href="data:text/html,x">a</a>'), 'NARRATIVE_UNSAFE'],
    ['a picture from elsewhere', div('<img src="https://x/pixel.gif"/>'), 'NARRATIVE_UNSAFE'],
    ['a picture that is a document', div('<img src="data:image/svg+xml;base64,AA"/>'), 'NARRATIVE_UNSAFE'],
    ['a style that loads', div('<p style="background: URL (https://x)">a</p>'), 'NARRATIVE_UNSAFE'],
    ['a style that hides what it loads', div('<p style="background: u\\72l(x)">a</p>'), 'NARRATIVE_UNSAFE'],
    ['another root', '<p xmlns="http://www.w3.org/1999/xhtml">a</p>', 'NARRATIVE_UNSAFE'],
    ['nesting without end', div('<b>'.repeat(200) + '</b>'.repeat(200)), 'NARRATIVE_UNSAFE'],
    ['a processing instruction', div('<?php ?>'), 'NARRATIVE_UNSAFE'],
    ['no namespace', '<div>a</div>', 'NARRATIVE_NAMESPACE'],
    ['a prefix', '<h:div xmlns:h="http://www.w3.org/1999/xhtml">a</h:div>', 'NARRATIVE_NAMESPACE'],
    ['another namespace inside', div('<svg xmlns="http://www.w3.org/2000/svg"/>'), 'NARRATIVE_NAMESPACE'],
    ['two roots', div('') + div(''), 'NARRATIVE_MALFORMED'],
    ['text around', `${div('')}x`, 'NARRATIVE_MALFORMED'],
    ['an end that is missing', '<div xmlns="http://www.w3.org/1999/xhtml"><p>', 'NARRATIVE_MALFORMED'],
    ['an entity', div('&nbsp;'), 'NARRATIVE_MALFORMED'],
    ['a declaration', `<?xml version="1.0"?>${div('')}`, 'NARRATIVE_MALFORMED'],
    ['a character that XML forbids', div('\u{1}'), 'NARRATIVE_MALFORMED'],
    ['nothing', '', 'NARRATIVE_MALFORMED'],
    ['text', 'a', 'NARRATIVE_MALFORMED'],
  ])('%s', (_name, source, fault) => expect(narrativeFault(source)).toBe(fault));

  test('a DTD', () => expect(narrativeFault(`<!DOCTYPE div>${div('')}`)).toMatch(/^NARRATIVE_/));
});
