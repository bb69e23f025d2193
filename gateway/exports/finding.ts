// One fault of an order or its content, as problem documents list them (api.md section 2): all at once, never a value.
export type Finding = {
  /** JSON pointer into the request body (RFC 6901). */
  pointer: string;
  /** The same for people: member path, or the path inside the document. */
  path: string;
  code: string;
  message: string;
};
