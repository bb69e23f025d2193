// The narrative's xhtml (hl7.org/fhir/R4/narrative.html, invariants txt-1 and txt-2): well formed on its own, formatting only, and
// nothing that runs or loads when somebody shows it. It is checked, never changed.
import { SaxesParser } from 'saxes';

const XHTML = 'http://www.w3.org/1999/xhtml';
const MAX_DEPTH = 100;

const words = (text: string) => new Set(text.split(' '));
const ELEMENTS = words(
  'div p br h1 h2 h3 h4 h5 h6 a span b em i strong small big tt dfn q var abbr acronym cite blockquote hr address bdo kbd sub ' +
    'sup pre code samp table caption colgroup col thead tr tfoot tbody th td img map area ul ol li dl dt dd',
);
const ATTRIBUTES = words(
  'title style class id lang xml:lang dir accesskey tabindex span width align valign char charoff abbr axis headers scope rowspan ' +
    'colspan href rel rev hreflang type charset name shape coords src alt height usemap longdesc cite summary border frame rules ' +
    'cellspacing cellpadding start value compact clear datetime',
);
const SAFE_LINK = /^(?:#|https?:|mailto:|tel:|urn:)/i;
const SAFE_IMAGE = /^(?:#|data:image\/(?:png|gif|jpeg|webp);base64,)/i;
const UNSAFE_STYLE = /url\s*\(|expression\s*\(|@import|behaviou?r|-moz-binding|\\|\/\*/i;

export type NarrativeFault = 'NARRATIVE_MALFORMED' | 'NARRATIVE_NAMESPACE' | 'NARRATIVE_UNSAFE';

/** What is wrong with the source of a `div`, or undefined. */
export function narrativeFault(div: string): NarrativeFault | undefined {
  let fault: NarrativeFault | undefined;
  let depth = 0;
  let roots = 0;
  const found = (one: NarrativeFault) => {
    fault ??= one;
  };
  const parser = new SaxesParser({ xmlns: true, position: false, fragment: false });
  parser.on('error', () => found('NARRATIVE_MALFORMED'));
  parser.on('doctype', () => found('NARRATIVE_UNSAFE'));
  parser.on('processinginstruction', () => found('NARRATIVE_UNSAFE'));
  parser.on('xmldecl', () => found('NARRATIVE_MALFORMED'));
  parser.on('opentag', (tag) => {
    depth += 1;
    if (depth === 1) roots += 1;
    if (tag.uri !== XHTML || tag.prefix !== '') found('NARRATIVE_NAMESPACE');
    if (depth > MAX_DEPTH || (depth === 1 && tag.local !== 'div') || !ELEMENTS.has(tag.local))
      found('NARRATIVE_UNSAFE');
    for (const { name, value } of Object.values(tag.attributes)) {
      if (!(name === 'xmlns' && value === XHTML) && !isSafe(name, value)) found('NARRATIVE_UNSAFE');
    }
  });
  parser.on('closetag', () => {
    depth -= 1;
  });
  if (!div.startsWith('<') || !div.endsWith('>')) return 'NARRATIVE_MALFORMED';
  parser.write(div).close();
  return roots === 1 ? fault : (fault ?? 'NARRATIVE_MALFORMED');
}

function isSafe(name: string, value: string): boolean {
  if (!ATTRIBUTES.has(name)) return false;
  // Browsers ignore white space and control characters inside a scheme.
  const link = [...value].filter((one) => one > ' ').join('');
  if (name === 'href' || name === 'cite' || name === 'longdesc') return SAFE_LINK.test(link);
  if (name === 'src') return SAFE_IMAGE.test(link);
  return name !== 'style' || !UNSAFE_STYLE.test(value);
}
