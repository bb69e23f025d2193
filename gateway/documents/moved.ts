// What goes from one thread to another: cloned, but for bytes. A view is cloned with all the memory that it looks at, which may be a
// pool of many others; so it goes as a copy of its own, which is moved and not copied once more.

/** `value` with copies of its bytes, and the memory of these copies: both for postMessage. Plain objects and lists are looked into. */
export function moved<Value>(value: Value): [value: Value, memory: ArrayBuffer[]] {
  const memory: ArrayBuffer[] = [];
  const copy = (one: unknown): unknown => {
    if (one instanceof Uint8Array) {
      const own = new Uint8Array(one);
      memory.push(own.buffer);
      return own;
    }
    if (Array.isArray(one)) return one.some(isObject) ? one.map(copy) : one;
    if (!isObject(one) || Object.getPrototypeOf(one) !== Object.prototype) return one;
    return Object.fromEntries(Object.entries(one).map(([name, member]) => [name, copy(member)]));
  };
  return [copy(value) as Value, memory];
}

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null;
