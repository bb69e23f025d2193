// The timer that parts of record-system/ get from outside. A leaf: the type only.

/** Sets one timer and answers how to take it back. */
export type Timer = (ms: number, fire: () => void) => () => void;
