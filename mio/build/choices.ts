// Codes of the toolkit's lists where the profile also takes a text, and lists that leave something out.
import type { CodeableConcept } from '@medplum/fhirtypes';
import { z } from 'zod';
import type { CodeLists } from './code-lists.ts';
import { because, oneOf, text } from './inputs.ts';
import type { BuildContext } from './kind.ts';
import type { Written } from './written.ts';

export type Choice = { code?: string | undefined; text?: string | undefined };

/** A code of that list, a text of your own, or both. */
export function choiceOf(lists: CodeLists, valueSet: string) {
  return z
    .strictObject({ code: oneOf(lists, valueSet).optional(), text: text(1000).optional() })
    .refine((value) => value.code !== undefined || value.text !== undefined, {
      message: because('MEMBER_MISSING', 'is needed where there is no code'),
      path: ['text'],
    })
    .meta({ format: 'choice' });
}

export function chosenConcept(
  valueSet: string,
  { code, text }: Choice,
  context: BuildContext,
): Written<CodeableConcept> {
  return { coding: code === undefined ? undefined : [context.listed(valueSet, code)], text };
}

/** A code of a list in a CodeableConcept of its own. */
export function listedConcept(valueSet: string, code: string, context: BuildContext): Written<CodeableConcept>;
export function listedConcept(
  valueSet: string,
  code: string | undefined,
  context: BuildContext,
): Written<CodeableConcept> | undefined;
export function listedConcept(
  valueSet: string,
  code: string | undefined,
  context: BuildContext,
): Written<CodeableConcept> | undefined {
  return code === undefined ? undefined : { coding: [context.listed(valueSet, code)] };
}

/** The list without codes that the profile's other rules make impossible. */
export function oneOfBut(lists: CodeLists, valueSet: string, without: readonly string[]) {
  const codes = (lists.codes(valueSet) ?? []).filter((code) => !without.includes(code));
  return z.enum(codes, { error: because('VALUE_INVALID', `must be one of ${codes.join(', ')}`) });
}
