// The types of launch.js, for the demo and the tests.
export function compiled(env: NodeJS.ProcessEnv, folder?: string): Record<string, string>;
export function lean(env: NodeJS.ProcessEnv): Record<string, string>;
export const leanFlags: string[];
export function launch(script: string, args: string[]): void;
