// The lexical forms of FHIR's primitives (hl7.org/fhir/R4/datatypes.html): JSON type, regular expression of the table, and what
// no regular expression says: days that exist, 32 bits, whole groups of base64, a megabyte of text.
import { Decimal, type FhirValue } from '../model.ts';

/** What is wrong with a value: its JSON type, its form, or that it is empty. */
export type PrimitiveFault = 'type' | 'format' | 'empty' | undefined;
export type PrimitiveCheck = (value: FhirValue) => PrimitiveFault;

const INT_MAX = 2_147_483_647;
/** datatypes.html: "Strings SHALL NOT exceed 1MB (1024*1024 characters)". */
const TEXT_MAX = 1024 * 1024;

/** `regex` as the table of the type has it. */
export function primitiveCheck(type: string, regex: string | undefined): PrimitiveCheck {
  switch (type) {
    case 'boolean':
      return (value) => (typeof value === 'boolean' ? undefined : 'type');
    case 'decimal':
      return decimalCheck;
    case 'integer':
      return integerCheck(-INT_MAX - 1);
    case 'unsignedInt':
      return integerCheck(0);
    case 'positiveInt':
      return integerCheck(1);
    case 'string':
    case 'markdown':
      return textCheck((text) => text.length <= TEXT_MAX);
    case 'base64Binary':
      return textCheck(isBase64);
    case 'date':
    case 'dateTime':
    case 'instant': {
      const form = wholeOf(regex);
      return textCheck((text) => form.test(text) && isRealDay(text));
    }
    default: {
      const form = wholeOf(regex);
      return textCheck((text) => text.length <= TEXT_MAX && form.test(text));
    }
  }
}

function textCheck(isRight: (text: string) => boolean): PrimitiveCheck {
  return (value) => {
    if (typeof value !== 'string') return 'type';
    if (value === '') return 'empty';
    return isRight(value) ? undefined : 'format';
  };
}

/** 1e400 is written like a number, and no reader of the document has one for it. */
function decimalCheck(value: FhirValue): PrimitiveFault {
  if (typeof value !== 'number' && !(value instanceof Decimal)) return 'type';
  return Number.isFinite(value.valueOf()) ? undefined : 'format';
}

function integerCheck(min: number): PrimitiveCheck {
  return (value) => {
    if (value instanceof Decimal) return 'format';
    if (typeof value !== 'number') return 'type';
    return Number.isInteger(value) && value >= min && value <= INT_MAX ? undefined : 'format';
  };
}

/** The tables speak XML Schema's regular expressions, where white space is ASCII and `\S` every other character. */
function wholeOf(regex: string | undefined): RegExp {
  const source = (regex ?? '[^]*')
    .replaceAll('[^\\s]', '\\S')
    .replaceAll('\\S', '[^ \\t\\n\\r]')
    .replaceAll('\\s', '[ \\t\\n\\r]');
  return new RegExp(`^(?:${source})$`);
}

function isBase64(text: string): boolean {
  const dense = /[ \t\r\n]/.test(text) ? text.replaceAll(/[ \t\r\n]+/g, '') : text;
  return dense.length > 0 && dense.length % 4 === 0 && /^[0-9A-Za-z+/]*={0,2}$/.test(dense);
}

const DAYS = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/** The form is right already: `2024`, `2024-02`, `2024-02-29` and what may follow. */
function isRealDay(text: string): boolean {
  if (text.length < 10) return true;
  const [year, month, day] = [Number(text.slice(0, 4)), Number(text.slice(5, 7)), Number(text.slice(8, 10))];
  if (month === 2 && day === 29) return (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;
  return day <= (DAYS[month - 1] ?? 0);
}
