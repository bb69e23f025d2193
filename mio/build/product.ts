// What is taken: the Medication, which is in no section and reached from the medication or the intake that names it.
import type { CodeableConcept, Coding, Medication } from '@medplum/fhirtypes';
import { z } from 'zod';
import type { FhirObject } from '../model.ts';
import { ratio, ratioOf } from './amounts.ts';
import { type Choice, choiceOf, chosenConcept } from './choices.ts';
import type { CodeLists } from './code-lists.ts';
import { PROFILE } from './context.ts';
import { because, coded, concept, date, text } from './inputs.ts';
import type { BuildContext } from './kind.ts';
import { listOf } from './named.ts';
import { systemUrl } from './systems.ts';
import type { Written, WrittenResource } from './written.ts';

export const MEDICATION = `${PROFILE}Medication`;
const FORMS = 'KBV_VS_Base_Medicine_Doseform';
const CATEGORIES = 'KBV_VS_Base_Medication_Type';

const pzn = z
  .string()
  .regex(/^\d{8}$/, because('PZN_INVALID', 'must have eight digits'))
  .meta({ format: 'pzn' });

export const product = (lists: CodeLists) =>
  z.strictObject({
    name: text(1000).describe('as on the package; the display of codes that come without one'),
    pzn: pzn.optional().describe('Pharmazentralnummer'),
    codes: listOf(
      coded(lists, 'named').refine(({ system }) => systemUrl(system) !== systemUrl('pzn'), {
        message: because('VALUE_INVALID', 'a PZN belongs into pzn'),
        path: ['system'],
      }),
    )
      .optional()
      .describe('ATC (with version), SNOMED CT and others'),
    category: choiceOf(lists, CATEGORIES).optional().describe('ready made, or mixed by hand'),
    form: choiceOf(lists, FORMS).optional().describe('EDQM dose form, or a text'),
    amount: ratio.optional().describe('of the package'),
    ingredients: listOf(
      z.strictObject({
        substance: concept(lists).describe('SNOMED CT, ASK, or a text'),
        strength: ratio.optional().describe('{value: 400, unit: mg, per: {value: 1, name: Tablette}}'),
      }),
    )
      .optional()
      .describe('what is in it'),
    lot: text(200).optional().describe('number of the batch'),
    expires: date.optional().describe('until when it may be used'),
  });
export type Product = z.output<ReturnType<typeof product>>;

/** `kind` and `id` of the entry it belongs to. */
export function productOf(
  product: Product,
  kind: string,
  id: string,
  context: BuildContext,
): WrittenResource<Medication> {
  const { name, pzn, codes, lot, expires } = product;
  return {
    ...context.resource(MEDICATION, productKind(kind), id),
    extension: product.category === undefined ? undefined : [categoryExtension(product.category, context)],
    code: codeOf(
      [...(pzn === undefined ? [] : [{ system: 'pzn', code: pzn }]), ...(codes ?? [])].map((of) =>
        context.coding(of, name),
      ),
      name,
    ),
    form: product.form && chosenConcept(FORMS, product.form, context),
    amount: product.amount && ratioOf(product.amount, context),
    ingredient: product.ingredients?.map(({ substance, strength }) => ({
      itemCodeableConcept: context.concept(substance),
      strength: strength && ratioOf(strength, context),
    })),
    batch: lot === undefined && expires === undefined ? undefined : { lotNumber: lot, expirationDate: expires },
  };
}

/** The kind that the ids of Medications are made from. */
export const productKind = (kind: string) => `${kind}.product`;

function codeOf(coding: Written<Coding>[], text: string): Written<CodeableConcept> {
  return coding.length === 0 ? { text } : { coding, text };
}

function categoryExtension(category: Choice, context: BuildContext): FhirObject {
  const url = context.fixed(MEDICATION, 'extension:Kategorie.url');
  return { url, valueCodeableConcept: chosenConcept(CATEGORIES, category, context) };
}
