// FHIR's types as builders write them, made of @medplum/fhirtypes: numbers may keep their spelling, primitives have the siblings
// (`_family`) that Medplum's types leave out, codes are any text (the tables know them), and a member may be undefined, which
// `withoutGaps` takes out. So a name or a type that FHIR R4 does not have is an error of the compiler.
import type { Extension } from '@medplum/fhirtypes';
import type { Decimal } from '../model.ts';

type Primitive = string | number | boolean;

type Value<T> = T extends string
  ? string
  : T extends number
    ? number | Decimal
    : T extends boolean
      ? boolean
      : T extends readonly (infer Item)[]
        ? Item extends Primitive
          ? (Value<Item> | null)[]
          : Value<Item>[]
        : Written<T>;

/** What stands beside a primitive. */
type Sibling = { id?: string | undefined; extension?: Written<Extension>[] | undefined };
type SiblingOf<T> = T extends readonly unknown[] ? (Sibling | null)[] : Sibling;

/** `resource` is Medplum's own in a Reference; nothing of the toolkit contains a resource. */
type Members<T> = Exclude<keyof T, 'resourceType' | 'contained' | 'resource'> & string;
type PrimitiveMembers<T> = {
  [Name in Members<T>]: NonNullable<T[Name]> extends Primitive | readonly Primitive[] ? Name : never;
}[Members<T>];

export type Written<T> = {
  [Name in Members<T>]?: Value<NonNullable<T[Name]>> | undefined;
} & {
  [Name in PrimitiveMembers<T> as `_${Name}`]?: SiblingOf<NonNullable<T[Name]>> | undefined;
};

/** A whole resource: what it is and who it is comes from `BuildContext.resource`. */
export type WrittenResource<T> = Written<T> & { resourceType: string };
